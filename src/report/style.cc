#include "report/style.h"

#include <fmt/format.h>

namespace docktor::report {

std::string line_class(std::size_t line, bool ours, bool shown) {
  return fmt::format("s s{} k{} d{}{}{}", line, colour_of(line), dash_of(line), ours ? " ours" : "",
                     shown ? "" : " rest");
}

std::string swatch(std::size_t line, bool ours) {
  return fmt::format(
      "<svg class=\"swatch\" width=\"26\" height=\"10\" aria-hidden=\"true\"><path class=\"{}\" d=\"M1 "
      "5H25\"/></svg>",
      line_class(line, ours, true));
}

// After Okabe and Ito (2008), darkened on white and lightened on black to a contrast of at least 3.
std::string_view chart_style() {
  return R"(:root{color-scheme:light dark;
--ground:#fff;--card:#f6f7f9;--ink:#16191d;--soft:#59626d;--hair:#e3e6ea;--axis:#9aa3ad;--load:#d3d9e0;
--goal:#c0262d;--good:#00704f;--bad:#b3261e;--best:#7d8791;--beyond:#7d879114;
--c0:#0067b0;--c1:#d45500;--c2:#00815f;--c3:#ad4788;--c4:#a87400;--c5:#30363d}
@media (prefers-color-scheme:dark){:root{
--ground:#14171b;--card:#1c2026;--ink:#eceff2;--soft:#a2abb5;--hair:#2a3038;--axis:#68727d;--load:#3b4450;
--goal:#ff7b78;--good:#3fcf9f;--bad:#ff8a80;--best:#8f99a4;--beyond:#8f99a41a;
--c0:#56b4f2;--c1:#ff8b47;--c2:#35cd9e;--c3:#e99aca;--c4:#f0bd45;--c5:#d5dae0}}
.chart,.swatch{overflow:visible;display:block}
.chart text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","DejaVu Sans",sans-serif;
fill:var(--soft);font-variant-numeric:tabular-nums}
.chart .head{font-size:14px;font-weight:600;fill:var(--ink)}
.chart .unit{font-size:12px;font-weight:400;fill:var(--soft)}
.chart .tick{text-anchor:end}
.grid{stroke:var(--hair)}.axis{stroke:var(--axis)}
.load{fill:var(--load)}.load.peaks{fill-opacity:.5}.band{stroke:none;fill-opacity:.15}
.s{fill:none;stroke-width:1.5;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.s.ours{stroke-width:2.4}
.k0{stroke:var(--c0)}.k1{stroke:var(--c1)}.k2{stroke:var(--c2)}.k3{stroke:var(--c3)}.k4{stroke:var(--c4)}.k5{stroke:var(--c5)}
.f0{fill:var(--c0)}.f1{fill:var(--c1)}.f2{fill:var(--c2)}.f3{fill:var(--c3)}.f4{fill:var(--c4)}.f5{fill:var(--c5)}
.d1{stroke-dasharray:7 3}.d2{stroke-dasharray:2 2.5}.d3{stroke-dasharray:9 3 2 3}
.goal{stroke:var(--goal);stroke-dasharray:5 4}
.chart .goal-text{fill:var(--goal);text-anchor:end;font-weight:600;paint-order:stroke;stroke:var(--ground);stroke-width:4px;
stroke-linejoin:round}
.frontier{fill:none;stroke:var(--best);stroke-width:2}.beyond{fill:var(--beyond)}
.chart .optimum-text{fill:var(--soft);font-style:italic}
.leader{stroke:var(--axis)}.spread{stroke:currentColor;stroke-opacity:.45}
.p{color:var(--soft)}
.p text,.chart .optimum-text{paint-order:stroke;stroke:var(--ground);stroke-width:3px;stroke-linejoin:round}
.p circle,.p rect,.p path{stroke:var(--ground);stroke-width:1.5}
.chart .p text{fill:var(--ink)}.chart .p.ours text{font-weight:700}
)";
}

std::string_view page_style() {
  return R"(*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);line-height:1.5;
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","DejaVu Sans",sans-serif}
main{max-width:1060px;margin:0 auto;padding:36px 28px 56px}
.from{margin:0 0 10px;color:var(--soft);font-size:13px;overflow-wrap:anywhere}
h1{margin:0 0 22px;font-size:23px;line-height:1.35;font-weight:650;letter-spacing:-.012em;max-width:48em;
overflow-wrap:anywhere;text-wrap:pretty}
h2{margin:52px 0 4px;font-size:18px;font-weight:650}
p.about{margin:0 0 16px;color:var(--soft);font-size:14px;max-width:46em;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(138px,1fr));gap:10px;margin:0;padding:0}
.tiles div{display:flex;flex-direction:column;justify-content:space-between;background:var(--card);border-radius:10px;padding:12px 14px}
.tiles dt{color:var(--soft);font-size:12.5px;line-height:1.35}
.tiles dd{margin:2px 0 0;font-size:23px;font-weight:620;font-variant-numeric:tabular-nums;letter-spacing:-.01em}
.tiles dd small{font-size:13px;font-weight:400;color:var(--soft);letter-spacing:0;margin-left:4px}
.over-time{display:flex;flex-wrap:wrap;gap:6px}
.over-time input{position:absolute;opacity:0;width:1px;height:1px;margin:0}
.over-time label{display:inline-flex;align-items:center;gap:8px;padding:4px 11px;border:1px solid var(--hair);
border-radius:99px;font-size:13.5px;cursor:pointer;max-width:100%;user-select:none}
.over-time label b{font-weight:500;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.over-time input:not(:checked)+label{color:var(--soft);border-style:dashed}
.over-time input:not(:checked)+label svg{opacity:.3}
.over-time input:checked+label{background:var(--card)}
.over-time label:hover{border-color:var(--axis)}
.over-time input:focus-visible+label{outline:2px solid var(--c0);outline-offset:2px}
figure{margin:0;width:100%;position:relative}
.over-time figure{padding:10px 14px 0 50px}
.over-time .chart{width:100%}
.cursor{position:absolute;width:1px;background:var(--axis);pointer-events:none}
.values{position:absolute;pointer-events:none;background:var(--ground);border:1px solid var(--axis);border-radius:8px;
padding:8px 11px;font-size:12.5px;box-shadow:0 4px 18px #0003;z-index:2;max-width:min(420px,84%)}
.values table{border-collapse:collapse}
.values td,.values th{padding:1px 0 1px 12px;text-align:right;font-weight:400;font-variant-numeric:tabular-nums;white-space:nowrap}
.values th:first-child,.values td:first-child{text-align:left;padding-left:0;max-width:150px;overflow:hidden;
text-overflow:ellipsis}
.values th{color:var(--soft)}
.scatter{height:auto;margin:0 auto;width:100%}
.narrow{display:none}
.table{overflow-x:auto;margin:0 -28px;padding:0 28px;outline-offset:-2px}
.numbers{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums;white-space:nowrap;min-width:100%}
.numbers caption{text-align:left;color:var(--soft);font-size:14px;padding-bottom:10px;white-space:normal}
.numbers th,.numbers td{padding:7px 6px;text-align:right;font-weight:400}
.numbers thead th{color:var(--soft);font-size:12.5px;padding-bottom:5px;padding-top:2px}
.numbers thead tr:last-child th{border-bottom:1px solid var(--axis)}
.numbers thead th[scope=colgroup]{text-align:center;font-weight:600;color:var(--ink)}
.numbers .first{border-left:1px solid var(--hair);padding-left:10px}
.numbers tbody tr{border-bottom:1px solid var(--hair)}
.numbers tbody tr:hover{background:var(--card)}
.numbers tbody th,.numbers thead th:first-child{text-align:left;position:sticky;left:0;background:var(--ground);padding-left:0}
.numbers tbody tr:hover th{background:var(--card)}
.numbers tbody th span{display:inline-block;max-width:190px;overflow:hidden;text-overflow:ellipsis;vertical-align:bottom}
.numbers tr.ours th span{font-weight:650}
.numbers .swatch{display:inline-block;vertical-align:middle;margin-right:8px}
.numbers sup{color:var(--soft);font-size:10.5px;margin-left:3px}
.numbers small{display:block;color:var(--soft);font-size:11px;line-height:1.2}
.good{color:var(--good)}.bad{color:var(--bad);font-weight:600}
.notes,.meanings{font-size:13.5px;color:var(--soft);margin:16px 0 0}
.notes{padding-left:20px}.notes li{margin:2px 0;overflow-wrap:anywhere}
.meanings{display:grid;grid-template-columns:max-content 1fr;gap:3px 16px;max-width:62em}
.meanings dt{color:var(--ink);font-weight:600;white-space:nowrap}.meanings dd{margin:0}
footer{margin-top:44px;padding-top:14px;border-top:1px solid var(--hair);color:var(--soft);font-size:13px;overflow-wrap:anywhere}
@media (max-width:700px){main{padding:22px 16px 40px}h1{font-size:20px}h2{margin-top:40px}
.wide{display:none}.narrow{display:block;max-width:480px}
.table{margin:0 -16px;padding:0 16px}.numbers tbody th span{max-width:104px}
.tiles{grid-template-columns:1fr 1fr}.tiles dd{font-size:19px}.over-time figure{padding-left:44px;padding-right:8px}
.meanings{grid-template-columns:1fr;gap:0}.meanings dd{margin-bottom:7px}}
@media print{.over-time label{border-color:transparent}.table{overflow:visible}section{break-inside:avoid}}
)";
}

std::string_view page_script() {
  return R"((function(){
"use strict";
var data=JSON.parse(document.getElementById("values").textContent),figure=document.querySelector(".over-time figure");
if(!figure||!data.bins)return;
var chart=figure.querySelector(".chart"),cursor=document.createElement("div"),box=document.createElement("div");
cursor.className="cursor";box.className="values";cursor.hidden=box.hidden=true;figure.append(cursor,box);
function cell(row,text,tag){var c=document.createElement(tag||"td");c.textContent=text;row.append(c)}
function time(s){var d=Math.floor(s/86400),p=function(n){return String(n).padStart(2,"0")};s=Math.round(s);
return (d?d+" d ":"")+p(Math.floor(s/3600)%24)+":"+p(Math.floor(s/60)%60)+":"+p(s%60)}
function show(event){
var r=chart.getBoundingClientRect(),f=figure.getBoundingClientRect(),share=(event.clientX-r.left)/r.width;
if(!(share>=0)||share>1){hide();return}
var bin=Math.min(data.bins-1,Math.floor(share*data.bins)),table=document.createElement("table"),row=table.insertRow();
cell(row,time(share*data.length),"th");cell(row,"replicas","th");cell(row,"backlog","th");cell(row,"p99","th");
data.policies.forEach(function(p){
if(!document.getElementById("s"+p.line).checked)return;
row=table.insertRow();cell(row,p.name);cell(row,p.replicas[bin]);cell(row,p.backlog[bin]);cell(row,p.p99[bin]+" s")});
row=table.insertRow();cell(row,"load");cell(row,data.load[bin]+"/s");
box.replaceChildren(table);cursor.hidden=box.hidden=false;
cursor.style.cssText="left:"+(event.clientX-f.left)+"px;top:"+(r.top-f.top+24)+"px;height:"+(r.height-46)+"px";
var right=share>0.5,y=Math.min(Math.max(event.clientY-f.top+14,0),f.height-box.offsetHeight);
box.style.cssText="top:"+y+"px;"+(right?"right:"+(f.right-event.clientX+14):"left:"+(event.clientX-f.left+14))+"px"}
function hide(){cursor.hidden=box.hidden=true}
figure.addEventListener("pointermove",show);figure.addEventListener("pointerdown",show);
figure.addEventListener("pointerleave",hide)})();
)";
}

}  // namespace docktor::report
