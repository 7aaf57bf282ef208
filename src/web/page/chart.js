// A chart over a stretch of time as SVG: lines, a goal, a band of what is allowed, marks where something changed. A pointer
// or the arrow keys move a line over it, and the values stand below; a table has them all.
const NS = 'http://www.w3.org/2000/svg';
const LEFT = 52, RIGHT = 46, TOP = 10, BOTTOM = 24, HEIGHT = 190;
const HOUR = 3600, DAY = 86400;
const clock = (t, seconds) => new Date(t * 1000).toLocaleTimeString([], {hour: '2-digit', minute: '2-digit', hourCycle: 'h23', ...(seconds ? {second: '2-digit'} : {})});
const weekday = t => new Date(t * 1000).toLocaleDateString([], {weekday: 'short', day: 'numeric'});

function s(tag, of, text) {
  const e = document.createElementNS(NS, tag);
  for (const k in of) e.setAttribute(k, of[k]);
  if (text !== undefined) e.textContent = text;
  return e;
}
function el(tag, of, ...children) {
  const e = document.createElement(tag);
  for (const k in of) e.setAttribute(k, of[k]);
  e.append(...children);
  return e;
}

// Steps that people count in; for times 1, 2, 5, 10, 30 s, minutes.
function ticks(most, whole, time) {
  if (!(most > 0)) return [0, 1];
  const nice = [60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400];
  if (time && most > 100) return upTo(most, nice.find(n => most / n <= 4.5) || 86400 * Math.ceil(most / 345600));
  let step = 10 ** Math.floor(Math.log10(most / 3));
  step *= most / 3 / step >= 5 ? 5 : most / 3 / step >= 2 ? 2 : 1;
  if (whole) step = Math.max(1, Math.round(step));
  return upTo(most, step);
}
function upTo(most, step) {
  const out = [];
  for (let v = 0; v < most + step * .999; v += step) out.push(+v.toPrecision(6));
  return out;
}

export function timeChart(what) {
  const svg = s('svg', {class: 'chart', role: 'img', tabindex: 0, 'aria-label': what.label});
  const readout = el('p', {class: 'readout'});
  const legend = el('ul', {class: 'legend'});
  const body = el('tbody', {});
  const names = [...what.lines.map(l => l[0]), ...(what.goal ? [what.goal[0]] : []), ...(what.band ? ['min', 'max'] : [])];
  const scroll = el('div', {class: 'scroll', tabindex: 0}, el('table', {}, el('caption', {}, what.label), el('thead', {},
    el('tr', {}, el('th', {scope: 'col'}, 'time'), ...names.map(n => el('th', {scope: 'col', class: 'n'}, n)))), body));
  const table = el('details', {}, el('summary', {}, 'as a table'), scroll);
  const sample = k => { const g = s('svg', {'aria-hidden': 'true', viewBox: '0 0 22 10'}); g.append(s('path', {class: 's ' + k, d: 'M0 5h22'})); return g; };
  for (const [name, k, , right] of what.lines) legend.append(el('li', {}, sample(k), name + (right ? ' (right)' : '')));
  const goalItem = what.goal && el('li', {}, sample(what.goal[1]), what.goal[0]);
  if (goalItem) legend.append(goalItem);
  if (what.band) { const g = s('svg', {'aria-hidden': 'true', viewBox: '0 0 22 10'}); g.append(s('rect', {class: 'band', width: 22, height: 10})); legend.append(el('li', {}, g, what.band[0])); }
  let points = [], marks = [], x = () => 0, cursor = null, index = -1, length = HOUR;
  const when = t => length > HOUR ? weekday(t) + ' ' + clock(t) : clock(t, true);

  const shown = (v, unit) => v === null || v === undefined ? 'not known' : unit(v);
  const valuesAt = p => [...what.lines.map(([name, , of, right]) => [name, shown(of(p), right ? what.second : what.unit)]),
    ...(what.goal && what.goal[2](p) ? [[what.goal[0], what.unit(what.goal[2](p))]] : []),
    ...(what.band ? [['min', shown(what.band[1](p), what.unit)], ['max', shown(what.band[2](p), what.unit)]] : [])];

  function pointAt(i) {
    index = Math.max(0, Math.min(points.length - 1, i));
    const p = points[index];
    if (!p) return;
    cursor.setAttribute('d', `M${x(p.t)} ${TOP}V${HEIGHT - BOTTOM}`);
    const near = marks.filter(m => Math.abs(x(m.t) - x(p.t)) < 6).pop();
    readout.textContent = when(p.t) + ' · ' + valuesAt(p).map(([n, v]) => n + ' ' + v).join(' · ') + (near ? ' · ' + near.text : '');
  }
  function leave() {
    index = -1;
    cursor?.removeAttribute('d');
    readout.textContent = marks.length ? 'Marks are changes; point at one to read why.' : '';
  }
  svg.addEventListener('pointermove', e => {
    const at = e.clientX - svg.getBoundingClientRect().left;
    let best = 0;
    points.forEach((p, i) => { if (Math.abs(x(p.t) - at) < Math.abs(x(points[best].t) - at)) best = i; });
    pointAt(best);
  });
  svg.addEventListener('pointerleave', leave);
  svg.addEventListener('blur', leave);
  svg.addEventListener('keydown', e => {
    const by = {ArrowLeft: -1, ArrowRight: 1, PageUp: -60, PageDown: 60, Home: -1e6, End: 1e6}[e.key];
    if (!by) return;
    e.preventDefault();
    pointAt(index < 0 ? points.length - 1 : index + by);
    svg.setAttribute('aria-label', what.label + '. ' + readout.textContent);
  });

  function draw(all, changes, most = HOUR) {
    points = all;
    marks = changes;
    length = most;
    const width = Math.max(240, Math.round(svg.getBoundingClientRect().width || 600));
    const second = what.lines.some(l => l[3]);
    const right = RIGHT;  // the charts below one another have one time axis
    const t1 = points.length ? points[points.length - 1].t : Date.now() / 1000, t0 = t1 - Math.min(length, Math.max(300, points.length ? t1 - points[0].t : 0)), span = t1 - t0;
    x = t => Math.round((LEFT + (t - t0) / span * (width - LEFT - right)) * 10) / 10;
    const inside = points.filter(p => p.t >= t0);
    const greatest = of => inside.reduce((m, p) => Math.max(m, ...of.map(f => f(p) ?? 0)), 0);
    const goal = what.goal ? greatest([what.goal[2]]) : 0;
    goalItem?.classList.toggle('away', !goal);
    const first = ticks(Math.max(greatest(what.lines.filter(l => !l[3]).map(l => l[2])), goal * 1.1, what.band ? Math.min(greatest([what.band[2]]), greatest(what.lines.map(l => l[2])) * 2 + 2) : 0), what.whole, what.time);
    const other = ticks(greatest(what.lines.filter(l => l[3]).map(l => l[2])), true);
    const scale = list => v => HEIGHT - BOTTOM - Math.min(1.02, v / list[list.length - 1]) * (HEIGHT - TOP - BOTTOM);
    const y = scale(first), y2 = scale(other);
    const e = [];
    for (const v of first) {
      e.push(s('path', {class: 'grid', d: `M${LEFT} ${y(v)}H${width - right}`}));
      e.push(s('text', {x: LEFT - 7, y: y(v) + 4, 'text-anchor': 'end'}, what.unit(v)));
    }
    if (second) for (const v of other) e.push(s('text', {x: width - right + 7, y: y2(v) + 4}, what.second(v)));
    const every = [60, 120, 300, 600, 1200, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, DAY / 2, DAY, 2 * DAY].find(n => span / n <= (width < 480 ? 3.2 : 7.2)) || 3 * DAY;
    const zone = new Date(t1 * 1000).getTimezoneOffset() * 60;  // marks of days stand at this place's midnight
    for (let t = Math.ceil((t0 - zone) / every) * every + zone; t <= t1; t += every) {
      e.push(s('path', {class: 'grid', d: `M${x(t)} ${HEIGHT - BOTTOM}v4`}));
      if (x(t) < width - right - 14 && x(t) > LEFT + 8) e.push(s('text', {x: x(t), y: HEIGHT - 5, 'text-anchor': 'middle'}, every < DAY ? clock(t) : weekday(t)));
    }
    const bounded = what.band ? inside.filter(p => p.min !== null && p.max !== null) : [];
    if (bounded.length) {
      const there = bounded.map(p => [x(p.t), y(p.max), y(p.min)]);
      e.push(s('path', {class: 'band', d: 'M' + there.map(([a, b]) => a + ' ' + b).join('L') + 'L' + there.reverse().map(([a, , c]) => a + ' ' + c).join('L') + 'z'}));
    }
    const path = (of, on) => {
      let d = '', before = null;
      for (const p of inside) {
        const v = of(p);
        if (v === null || v === undefined || (before && p.t - before.t > Math.max(90, span / 60))) before = null;
        if (v === null || v === undefined) continue;  // not known: a gap
        d += before === null ? `M${x(p.t)} ${on(v)}` : what.step ? `H${x(p.t)}V${on(v)}` : `L${x(p.t)} ${on(v)}`;
        before = p;
      }
      return d;
    };
    if (goal) e.push(s('path', {class: 's ' + what.goal[1], d: path(what.goal[2], y)}));
    for (const [, k, of, onRight] of [...what.lines].reverse()) e.push(s('path', {class: 's ' + k, d: path(of, onRight ? y2 : y)}));
    for (const m of marks) if (m.t >= t0 && m.t <= t1 + 60) e.push(s('path', {class: 'mark', d: `M${Math.min(x(m.t), width - right)} ${HEIGHT - BOTTOM - 7}l4 7h-8z`}));
    cursor = s('path', {class: 'cursor'});
    svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
    svg.replaceChildren(...e, cursor);
    if (index >= 0) pointAt(index); else leave();
    if (table.open) fill();
  }
  function fill() {
    const each = Math.ceil(points.length / 60);
    const rows = points.filter((p, i) => i % each === points.length % each || i === points.length - 1).reverse();
    body.replaceChildren(...rows.map(p => el('tr', {}, el('th', {scope: 'row'}, when(p.t)),
      ...names.map(n => el('td', {class: 'n'}, (valuesAt(p).find(v => v[0] === n) || [0, '–'])[1])))));
  }
  table.addEventListener('toggle', () => { if (table.open) fill(); });
  return {e: el('div', {}, legend, svg, readout, table), draw};
}
