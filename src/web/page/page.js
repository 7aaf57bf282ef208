// docktor's page: what is now, the last hour, and why. Text from outside goes into the page by textContent alone.
import {timeChart} from './chart.js';

const $ = id => document.getElementById(id);
const main = $('main');

/** An element: class, attributes ("on" functions are listeners), children (text or elements). */
export function h(tag, of = {}, ...children) {
  const e = document.createElement(tag);
  for (const [key, v] of Object.entries(of)) {
    if (v === undefined || v === false) continue;
    if (key === 'class') e.className = v;
    else if (key.startsWith('on')) e.addEventListener(key.slice(2), v);
    else e.setAttribute(key, v === true ? '' : v);
  }
  e.append(...children.flat().filter(c => c !== null && c !== undefined && c !== false));
  return e;
}
function set(e, text) { if (e.textContent !== text) e.textContent = text; }
function cls(e, name) { if (e.className !== name) e.className = name; }

// --- words

export function num(v) {
  if (v === undefined || v === null) return '–';
  const a = Math.abs(v);
  if (a >= 1e6) return (v / 1e6).toPrecision(3) + ' M';
  if (a >= 1e4) return (v / 1e3).toPrecision(3) + ' k';
  return a >= 100 || Number.isInteger(v) ? String(Math.round(v)) : String(+v.toPrecision(3));
}
export function dur(s) {
  if (s === undefined || s === null) return '–';
  if (s < .0005) return '0 s';
  if (s < 1) return Math.round(s * 1000) + ' ms';
  if (s < 100) return +s.toFixed(s < 10 ? 1 : 0) + ' s';
  if (s < 5400) return Math.round(s / 60) + ' min';
  return s < 172800 ? +(s / 3600).toFixed(1) + ' h' : Math.round(s / 86400) + ' days';
}
export const clock = t => new Date(t * 1000).toLocaleTimeString([], {hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23'});
// Of a decision: with the day where it was not today's.
const moment = t => (Date.now() / 1000 - t > 72000 ? new Date(t * 1000).toLocaleDateString([], {weekday: 'short', day: 'numeric'}) + ' ' : '') + clock(t);
const plural = (n, word) => n + ' ' + word + (n === 1 ? '' : 's');
const inTrouble = s => (s.conditions || []).some(c => c.trouble);
const isLate = s => s.max_wait !== undefined && s.oldest_wait > s.max_wait;
const capital = t => t.charAt(0).toUpperCase() + t.slice(1);

function stateOf(s) {
  const all = s.conditions || [];
  if (all.length) return [all.filter(c => c.trouble || !inTrouble(s)).map(c => c.words).join('; '), inTrouble(s) ? 'trouble' : 'note'];
  if (isLate(s)) return ['messages wait longer than the goal', 'note'];
  if (s.starting) return [plural(s.starting, 'replica') + ' starting', ''];
  if (s.stopping) return [plural(s.stopping, 'replica') + ' stopping', ''];
  return ['as it should be', ''];
}

// --- asking

let token = sessionStorage.getItem('docktor-token') || '';
const inUrl = new URLSearchParams(location.hash.slice(1)).get('token');
if (inUrl) {
  token = inUrl;
  sessionStorage.setItem('docktor-token', token);
  history.replaceState(null, '', location.pathname + location.search);
}
const headers = more => token ? {Authorization: 'Bearer ' + token, ...more} : more || {};

async function ask(path, method = 'GET', body, tries = method === 'GET' ? 9 : 0) {
  const answer = await fetch('api/v1/' + path, {
    method, cache: 'no-store',
    headers: headers(method === 'GET' ? {} : {'Content-Type': 'application/json'}),
    body: method === 'POST' ? JSON.stringify(body || {}) : undefined,
  });
  const told = await answer.json().catch(() => ({}));
  if (answer.status === 401) wantToken();
  if (answer.status === 503 && told.retry && tries > 0) {  // somebody else reads the journal
    await new Promise(done => setTimeout(done, 500 + 1000 * Math.random()));
    return ask(path, method, body, tries - 1);
  }
  if (!answer.ok) throw new Error(told.detail || 'docktor answered ' + answer.status);
  return told;
}
const at = (service, rest) => 'services/' + encodeURIComponent(service) + '/' + rest;

let locked = false;
function wantToken() {
  if (locked) return;
  locked = true;
  const field = h('input', {type: 'password', id: 'token', required: true, autocomplete: 'off'});
  main.replaceChildren(h('section', {}, h('h2', {}, 'A token, please'),
    h('p', {}, token ? 'This docktor does not take the token that was given.' : 'To look, this docktor wants one of the tokens in http.tokens of its configuration.'),
    h('form', {class: 'token', onsubmit: e => {
      e.preventDefault();
      token = field.value.trim();
      sessionStorage.setItem('docktor-token', token);
      locked = false;
      view = '';
      listen();
    }}, h('label', {}, 'Token', field), h('button', {class: 'go'}, 'Look'))));
  field.focus();
}

// --- what is known

const services = new Map();
let about = {};
let recent = [];            // changes of all services, newest first
let heard = 0;              // when the server was last heard, ms
let view = '';
let screen = null;          // {update()} of what is shown
let waiting = false;
function later() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; show(); });
}

function took(event, data) {
  if (event === 'service') services.set(data.service, data);
  if (event === 'services') for (const name of services.keys()) if (!data.includes(name)) services.delete(name);
  if (event === 'decision') {
    recent = [data, ...recent.filter(d => d.id !== data.id)].slice(0, 50);
    screen?.changed?.(data);
    if (data.decision !== 'hold') tell(data.service + ': ' + data.current_replicas + ' to ' + data.target_replicas + ' replicas');
  }
  later();
}

// One polite message in ten seconds at most.
let lastTold = 0, toTell = '';
function tell(text) {
  toTell = text;
  const wait = Math.max(0, lastTold + 10000 - Date.now());
  setTimeout(() => {
    if (!toTell || Date.now() < lastTold + 10000) return;
    lastTold = Date.now();
    set($('said'), toTell);
    toTell = '';
  }, wait);
}

let round = 0;
async function listen() {
  const mine = ++round;
  let pause = 500, last = '';
  while (mine === round) {
    const stop = new AbortController();
    const watch = setInterval(() => { if (Date.now() - heard > 25000) stop.abort(); }, 5000);
    try {
      const answer = await fetch('api/v1/events', {cache: 'no-store', signal: stop.signal,
        headers: headers(last ? {'Last-Event-ID': last} : {})});
      if (answer.status === 401) { clearInterval(watch); return wantToken(); }
      if (!answer.ok) throw new Error(answer.status);
      about = await ask('about');
      if (!last) {
        services.clear();
        recent = ((await ask('decisions?changes=true&last=30')).decisions || []).reverse();
      }
      const lines = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = '';
      for (;;) {
        const {done, value} = await lines.read();
        if (done) break;
        heard = Date.now();
        pause = 500;
        rest += value;
        const blocks = rest.split('\n\n');
        rest = blocks.pop();
        for (const block of blocks) {
          let event = '', data = '';
          for (const line of block.split('\n')) {
            if (line.startsWith('event: ')) event = line.slice(7);
            if (line.startsWith('data: ')) data = line.slice(6);
            if (line.startsWith('id: ')) last = line.slice(4);
          }
          if (event) took(event, JSON.parse(data));
        }
      }
    } catch (e) { /* the bar says so */ }
    clearInterval(watch);
    beat();
    await new Promise(done => setTimeout(done, pause));
    pause = Math.min(pause * 1.7, 15000);
  }
}

function beat() {
  const age = heard ? (Date.now() - heard) / 1000 : Infinity;
  const lost = age > 12;
  cls($('link'), lost ? 'off' : '');
  set($('link').firstChild, !lost ? 'live' : heard ? 'cut off; this is from ' + dur(age) + ' ago. Trying again' : 'connecting');
  cls(main, lost && heard ? 'old' : '');
}
setInterval(() => { beat(); later(); }, 1000);

// --- parts

function dots(s, most) {
  const ns = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(ns, 'svg');
  svg.setAttribute('class', 'dots');
  svg.setAttribute('role', 'img');
  const kinds = [['ready', s.ready], ['starting', s.starting], ['failing', s.failing], ['stopping', s.stopping],
    ['room', Math.max(0, s.max - s.current)]];
  svg.setAttribute('aria-label', kinds.filter(k => k[1] && k[0] !== 'room').map(k => k[1] + ' ' + k[0]).join(', ') || 'no replicas');
  const all = kinds.reduce((n, k) => n + k[1], 0);
  const each = all > most ? all / most : 1;  // beyond, a dot stands for several
  let x = 0;
  for (const [kind, n] of kinds) {
    const shown = each === 1 ? n : n ? Math.max(1, Math.round(n / each)) : 0;
    for (let i = 0; i < shown; i++, x += 14) {
      // Shape tells the state, too: full, ring, cross, square, faint ring.
      const e = document.createElementNS(ns, kind === 'failing' || kind === 'stopping' ? 'path' : 'circle');
      e.setAttribute('class', kind);
      if (kind === 'failing') e.setAttribute('d', `M${x + 2} 0l4 4 4-4 2 2-4 4 4 4-2 2-4-4-4 4-2-2 4-4-4-4z`);
      else if (kind === 'stopping') e.setAttribute('d', `M${x + 2} 3h8v8h-8z`);
      else { e.setAttribute('cx', x + 6); e.setAttribute('cy', 7); e.setAttribute('r', kind === 'ready' ? 5 : 4); }
      svg.append(e);
    }
  }
  return svg;
}

function figure(name) {
  const value = h('span'), note = h('small'), term = h('dt', {}, name);
  return {e: h('div', {}, term, h('dd', {}, value, note)), call(other) { set(term, other); },
    put(v, n = '', over = false) { set(value, v); set(note, n ? ' ' + n : ''); cls(value, over ? 'over' : ''); }};
}

function figuresOf(s, f) {
  f.wait.call(s.queue ? 'wait' : 'CPU');
  f.wait.put(s.queue ? (s.oldest_wait_is_guess ? '~' : '') + dur(s.oldest_wait) : s.cpu !== undefined ? num(s.cpu) + ' %' : '–',
    s.max_wait !== undefined ? 'of ' + dur(s.max_wait) : '', isLate(s));
  f.backlog.put(s.queue ? num(s.backlog) : '–', s.in_hand ? num(s.in_hand) + ' in hand' : '');
  f.replicas.put(s.ready === s.current ? String(s.current) : s.ready + ' of ' + s.current, s.min + '–' + s.max);
}

const sign = d => d.target_replicas > d.current_replicas ? ['up', '↑'] : d.target_replicas < d.current_replicas ? ['down', '↓'] : ['', '='];

function row(d, withService) {
  const [name, arrow] = sign(d);
  const bad = d.outcome === 'failed';
  return [h('time', {}, moment(d.t)), h('b', {class: name}, arrow + ' ' + d.current_replicas + ' → ' + d.target_replicas),
    h('span', {class: 'reason'}, withService ? h('a', {href: '#s=' + encodeURIComponent(d.service)}, d.service) : '',
      withService ? ' ' : '', d.reason || '',
      bad ? h('span', {class: 'bad'}, ' — failed' + (d.error ? ': ' + d.error : '')) :
      ['dry_run', 'rejected', 'superseded', 'proposed'].includes(d.outcome) ? h('i', {}, ' (' + d.outcome.replace('_', ' ') + ')') : '')];
}

// --- all services

function overview() {
  const cards = new Map();
  const list = h('ul', {class: 'cards'});
  const changes = h('ul', {class: 'changes'});
  const nothing = h('p', {class: 'none'}, 'No service fits.');
  const section = h('section', {}, h('h2', {}, 'Latest changes'), changes);
  main.replaceChildren(h('h2', {class: 'unseen'}, 'Services'), list, nothing, section);
  let order = '', shown = '';
  function card(name) {
    const c = {title: h('a', {href: '#s=' + encodeURIComponent(name)}, name), state: h('p'), why: h('p', {class: 'why'}),
      dots: h('div'), key: '', wait: figure('wait'), backlog: figure('backlog'), replicas: figure('replicas')};
    c.e = h('li', {}, h('h2', {}, c.title), c.state, h('dl', {class: 'figures'}, c.wait.e, c.backlog.e, c.replicas.e), c.dots, c.why);
    return c;
  }
  return {update() {
    const wanted = $('filter').value.trim().toLowerCase();
    const all = [...services.values()].filter(s => s.service.toLowerCase().includes(wanted));
    const weight = s => inTrouble(s) ? 0 : isLate(s) ? 1 : (s.conditions || []).length ? 2 : 3;
    all.sort((a, b) => weight(a) - weight(b) || a.service.localeCompare(b.service));
    main.classList.toggle('dense', all.length > 30);
    nothing.hidden = all.length > 0 || !services.size;
    for (const s of all) {
      let c = cards.get(s.service);
      if (!c) cards.set(s.service, c = card(s.service));
      const [words, kind] = stateOf(s);
      set(c.state, capital(words));
      cls(c.state, 'state ' + kind);
      cls(c.e, 'card ' + kind);
      figuresOf(s, c);
      const key = [s.ready, s.starting, s.failing, s.stopping, s.max].join();
      if (c.key !== key) { c.key = key; c.dots.replaceChildren(dots(s, all.length > 30 ? 14 : 19)); }
      set(c.why, (s.conditions || []).find(x => x.detail)?.detail || s.decision?.reason || 'no decision yet');
    }
    const now = all.map(s => s.service).join('\n');
    if (now !== order) { order = now; list.replaceChildren(...all.map(s => cards.get(s.service).e)); }
    const latest = recent.filter(d => d.decision !== 'hold').slice(0, 12);
    const key = latest.map(d => d.id + d.outcome).join();
    if (key !== shown || !changes.firstChild) {
      shown = key;
      changes.replaceChildren(...latest.map(d => h('li', {}, h('div', {class: 'row'}, row(d, true)))));
      if (!latest.length) changes.replaceChildren(h('li', {class: 'none'}, 'No change yet: the number of replicas is right.'));
    }
  }};
}

// --- one service

function detail(name) {
  const badges = h('ul', {class: 'badges'}), said = h('p', {class: 'said', tabindex: 0}), where = h('p', {class: 'state'});
  const f = {wait: figure('oldest wait'), backlog: figure('backlog'), replicas: figure('replicas ready'), flow: figure('in → out, a second')};
  const dotted = h('div'), acts = h('div', {class: 'acts'}), proposals = h('div', {hidden: true});
  const waitChart = timeChart({label: 'How long messages wait, and how many', unit: dur, time: true, second: num,
    lines: [['oldest wait', 'k0', p => p.oldest_wait], ['backlog', 'k4', p => p.backlog, true]], goal: ['goal', 'kg', p => p.max_wait]});
  const poolChart = timeChart({label: 'Replicas', unit: v => String(Math.round(v)), step: true, whole: true,
    lines: [['current', 'k2', p => p.current], ['target', 'k1', p => p.target]], band: ['allowed', p => p.min, p => p.max]});
  const spans = {hour: 3600, day: 86400, week: 604800}, steps = 360;
  let span = 'hour';
  const choice = h('div', {class: 'spans', role: 'group', 'aria-label': 'how far back'}, ...Object.keys(spans).map(k =>
    h('button', {'aria-pressed': String(k === span), onclick: e => {
      span = k;
      for (const b of choice.children) b.setAttribute('aria-pressed', String(b === e.target));
      set(title, 'Last ' + k);
      load();
    }}, k)));
  const title = h('h2', {}, 'Last hour'), saved = h('p', {class: 'saved'});
  const folded = h('input', {type: 'checkbox', id: 'holds', onchange: () => load()});
  const list = h('ul', {class: 'changes'});
  const one = services.size === 1;
  main.replaceChildren(
    h('div', {class: 'top'}, one ? null : h('a', {class: 'back', href: '#'}, '← all services'),
      h('div', {}, h('h2', {}, name), where, h('dl', {class: 'figures'}, f.wait.e, f.backlog.e, f.replicas.e, f.flow.e), dotted),
      // What comes and goes has its place: nothing moves for it.
      h('div', {}, said, h('div', {class: 'now', tabindex: 0, role: 'group', 'aria-label': 'now'}, proposals, badges)), acts),
    h('div', {class: 'split'},
      h('section', {}, h('div', {class: 'head'}, title, choice), waitChart.e, poolChart.e, saved),
      h('section', {}, h('h2', {}, 'Why'), h('label', {class: 'state'}, folded, ' also the decisions to change nothing'), list)));
  let points = [], decisions = [], key = '', opened = new Set();
  const marks = () => decisions.filter(d => d.current_replicas !== d.target_replicas)
    .map(d => ({t: d.t, text: d.current_replicas + ' → ' + d.target_replicas + ': ' + (d.reason || '')}));
  function charts() {
    waitChart.draw(points, marks(), spans[span]);
    poolChart.draw(points, marks(), spans[span]);
  }
  function fill() {
    list.replaceChildren(...decisions.slice(0, 60).map(d => {
      const inside = h('div', {class: 'all'});
      const e = h('details', {open: opened.has(d.id), ontoggle: async () => {
        if (!e.open) return opened.delete(d.id);
        opened.add(d.id);
        if (inside.firstChild) return;
        inside.textContent = 'reading …';
        try { inside.replaceChildren(...explained((await ask('decisions/' + encodeURIComponent(d.id))).decision)); }
        catch (error) { inside.textContent = error.message; }
      }}, h('summary', {}, row(d, false)), inside);
      return h('li', {}, e);
    }));
    if (!decisions.length) list.replaceChildren(h('li', {class: 'none'}, 'No change yet: the number of replicas is right.'));
  }
  async function load() {
    try {
      const t = Date.now() / 1000, chosen = span;
      const [past, made] = await Promise.all([
        ask(at(name, 'history?from=' + (t - spans[span]).toFixed() + (span === 'hour' ? '' : '&points=' + steps))),
        ask(at(name, 'decisions?last=' + (span === 'hour' ? 60 : 400) + (folded.checked ? '' : '&changes=true')))]);
      if (chosen !== span) return;
      const s = services.get(name) || {};
      points = past.points.map(p => ({...Object.fromEntries(past.columns.map((c, i) => [c, p[i]])), max_wait: s.max_wait}));
      decisions = (made.decisions || []).reverse();
      fill();
      charts();
    } catch (error) { list.replaceChildren(h('li', {class: 'none'}, error.message)); }
  }
  load();
  ask(at(name, 'savings?last=7d')).then(s => { if (s.rows.length) set(saved, savedText(s)); }, () => {});
  const again = new ResizeObserver(() => charts());
  again.observe(main);
  let asked = '';
  return {
    end() { again.disconnect(); },
    changed(d) {
      if (d.service !== name || (d.decision === 'hold' && !folded.checked)) return;
      decisions = [d, ...decisions.filter(x => x.id !== d.id)].slice(0, 400);
      fill();
      charts();
    },
    update() {
      const s = services.get(name);
      if (!s) return set(said, services.size ? 'This service is no longer in the configuration.' : '');
      const [words, kind] = stateOf(s);
      set(where, (s.conditions || []).length ? s.queue || '' : capital(words) + (s.queue ? ' · ' + s.queue : ''));
      figuresOf(s, f);
      f.flow.put(s.queue ? num(s.rate_in) + ' → ' + num(s.rate_out) : '–');
      said.textContent = '';
      const why = s.why_nothing_happens || s.decision?.reason;
      if (why && !(s.conditions || []).some(c => c.detail && why.includes(c.detail)))
        said.append(h('b', {}, s.why_nothing_happens ? 'Why nothing happens: ' : 'Last decision: '), why);
      const now = JSON.stringify([s.conditions, s.ready, s.starting, s.failing, s.stopping, s.max, s.proposals, about.may_act]);
      if (now !== key) {
        key = now;
        badges.replaceChildren(...(s.conditions || []).map(c => h('li', {class: c.trouble ? 'trouble' : ''},
          h('b', {}, capital(c.words)), c.detail ? ' — ' + c.detail : '')));
        dotted.replaceChildren(dots(s, 40));
        acts.replaceChildren(...(about.may_act ? actions(s) : []));
      }
      if (String(s.proposals) !== asked) { asked = String(s.proposals); propose(s, proposals); }
      // As many points as the history has.
      const t = Date.now() / 1000;
      if (points.length && t - points[points.length - 1].t >= spans[span] / 720) {
        points = [...points.filter(p => p.t > t - spans[span]), {t, oldest_wait: s.oldest_wait, backlog: s.backlog, current: s.current,
          target: s.target, min: s.min, max: s.max, max_wait: s.max_wait}];
        charts();
      }
    }};
}

// What the last days cost, in a line.
function savedText(s) {
  const [ran, fixed] = s.rows, less = 1 - ran.replica_seconds / fixed.replica_seconds;
  const hours = v => num(v / 3600);
  return 'Watched for ' + dur(s.seconds) + ': ' + hours(ran.replica_seconds) + ' replica-hours, ' + Math.abs(Math.round(100 * less)) + ' % ' +
    (less >= 0 ? 'less' : 'more') + ' than ' + s.max_replicas + ' replicas all the time (' + hours(fixed.replica_seconds) + ')' +
    (ran.p99_wait !== undefined ? '; of ' + num(s.messages) + ' messages 99 % waited at most ' + dur(ran.p99_wait) : '') +
    (ran.late_share !== undefined ? ', ' + num(100 * ran.late_share) + ' % longer than ' + dur(s.max_wait) : '') + '.';
}

function explained(r) {
  const table = (title, rows) => rows.length ? [h('h3', {}, title), h('table', {}, h('tbody', {}, ...rows.map(([k, v]) =>
    h('tr', {}, h('th', {scope: 'row'}, k), h('td', {class: 'w'}, v)))))] : [];
  const text = v => typeof v === 'number' ? String(+v.toPrecision(6)) : typeof v === 'string' ? v : JSON.stringify(v);
  const object = o => Object.entries(o || {}).map(([k, v]) => [k, text(v)]);
  return [
    ...table('Decision', [['id', r.id], ['outcome', (r.outcome || 'none') + (r.duration ? ' after ' + dur(r.duration) : '')],
      ...(r.error ? [['error', r.error]] : []), ...(r.by ? [['by', r.by]] : []), ...(r.explanation ? [['a model', r.explanation]] : [])]),
    ...table('Observations, means over metrics_window', object(r.observations)),
    ...table('Rules that held', (r.matched_rules || []).map(m => [m.when, m.metric + ' ' + m.op + ' ' + m.value + ', seen ' + text(m.seen)])),
    ...table('Limits that changed the outcome', (r.limits || []).map(l => [l.limit, l.from + ' → ' + l.to + ' (' + l.detail + ')'])),
    ...table('Numbers of the policy', object(r.numbers)),
    ...table('Overrides', object(r.overrides)),
    ...table('Replicas when it was made', object(r.replicas)),
  ];
}

// --- what acts: says what it will do, and asks once

function sure(text, todo, field) {
  const told = h('p', {role: 'alert'});
  const box = h('dialog', {'aria-label': text}, h('form', {onsubmit: async e => {
    e.preventDefault();
    try { await todo(); box.close(); } catch (error) { set(told, error.message); }
  }}, h('p', {}, text), field || null, told, h('div', {class: 'acts'}, h('button', {class: 'go'}, 'Do it'),
    h('button', {type: 'button', onclick: () => box.close()}, 'Leave it'))));
  box.addEventListener('close', () => box.remove());
  document.body.append(box);
  box.showModal();
}

function actions(s) {
  const held = (s.conditions || []).some(c => ['paused', 'scaled_by_hand', 'stopped_by_hand'].includes(c.condition));
  const post = (what, body) => ask(at(s.service, what), 'POST', body);
  const n = h('input', {type: 'number', min: s.min, max: s.max, value: s.current, 'aria-label': 'replicas', required: true});
  return [
    held ? h('button', {onclick: () => sure('Let the policy decide about ' + s.service + ' again?', () => post('resume'))}, 'Resume')
      : h('button', {onclick: () => sure('Keep ' + s.service + ' at ' + plural(s.current, 'replica') + ' for an hour, whatever comes?', () => post('pause', {for: '1h'}))}, 'Pause for an hour'),
    h('button', {onclick: () => sure('Run so many replicas of ' + s.service + ' for an hour, instead of what the policy wants:',
      () => post('scale', {replicas: +n.value, for: '1h'}), n)}, 'Scale by hand'),
  ];
}

async function propose(s, section) {
  section.hidden = !s.proposals;
  if (!s.proposals) return;
  const all = (await ask('proposals?service=' + encodeURIComponent(s.service))).proposals || [];
  section.replaceChildren(h('h2', {}, 'Waits for a yes'), ...all.map(p => h('div', {class: 'proposal'},
    h('p', {}, h('b', {}, (p.from ?? p.current_replicas) + ' → ' + (p.to ?? p.target_replicas) + ' replicas'), ' ' + (p.reason || '') + (p.by ? ' (' + p.by + ')' : '')),
    ...(about.may_act ? [
      h('button', {class: 'go', onclick: () => sure('Carry out: ' + s.service + ' to ' + plural(p.to ?? p.target_replicas, 'replica') + '?', () => ask('proposals/' + encodeURIComponent(p.id) + '/approve', 'POST'))}, 'Approve'),
      h('button', {onclick: () => sure('Reject this proposal for ' + s.service + '?', () => ask('proposals/' + encodeURIComponent(p.id) + '/reject', 'POST'))}, 'Reject')]
      : [h('span', {class: 'none'}, 'docktor approve ' + p.id)]))));
}

// --- the screen

function show() {
  if (locked || !services.size) return;
  const wanted = new URLSearchParams(location.hash.slice(1)).get('s');
  const name = wanted || (services.size === 1 ? services.keys().next().value : '');
  const next = name ? 's=' + name : 'all';
  if (view !== next) {
    screen?.end?.();
    main.classList.remove('dense');
    const first = !view;
    view = next;
    screen = name ? detail(name) : overview();
    if (!first) { scrollTo(0, 0); main.focus({preventScroll: true}); }
  }
  screen.update();
  const all = [...services.values()], bad = all.filter(inTrouble).length, waits = all.filter(s => (s.proposals || 0) > 0).length;
  const sum = $('sum');
  const text = plural(all.length, 'service') + ' · ' + plural(all.reduce((n, s) => n + s.current, 0), 'replica');
  if (sum.dataset.key !== text + bad + waits) {
    sum.dataset.key = text + bad + waits;
    sum.replaceChildren(text + ' · ', bad ? h('b', {}, bad + ' in trouble') : 'all well', waits ? ' · ' + waits + ' waiting for a yes' : '');
    document.title = (bad ? '(' + bad + ' in trouble) ' : '') + (name ? name + ' – ' : '') + 'docktor';
    $('icon').href = bad ? 'icon-trouble.svg' : 'icon.svg';
    if (bad) tell(plural(bad, 'service') + ' in trouble');
  }
  document.querySelector('.filter').hidden = !!name || all.length < 8;
}

addEventListener('hashchange', () => { later(); });
$('filter').addEventListener('input', later);
addEventListener('keydown', e => {
  if (e.key === 'Escape' && location.hash.startsWith('#s=') && !document.querySelector('dialog')) location.hash = '';
  if (e.key === '/' && !/INPUT|TEXTAREA/.test(document.activeElement.tagName) && !$('filter').closest('label').hidden) {
    e.preventDefault();
    $('filter').focus();
  }
});
listen();
