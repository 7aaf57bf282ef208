// Drives `docktor mcp` with a real client: driver.mjs CLIENT CLIENTS_FOLDER SERVER
// CLIENT: auto, pinned, legacy (@modelcontextprotocol/client), sdk (@modelcontextprotocol/sdk); looking (a server without
// --allow-actions) and alone (no daemon) use auto. Ends with 0 when everything was as expected.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [mode, folder, server] = process.argv.slice(2);
const require = createRequire(`${folder}/package.json`);
const load = async (name) => import(pathToFileURL(require.resolve(name)));

const info = { name: 'docktor-tests', version: '1.0.0' };
const parameters = { command: server, args: [], env: process.env, stderr: 'inherit' };
let client;
if (mode === 'sdk') {
  const { Client } = await load('@modelcontextprotocol/sdk/client/index.js');
  const { StdioClientTransport } = await load('@modelcontextprotocol/sdk/client/stdio.js');
  client = new Client(info);
  await client.connect(new StdioClientTransport(parameters));
} else {
  const { Client } = await load('@modelcontextprotocol/client');
  const { StdioClientTransport } = await load('@modelcontextprotocol/client/stdio');
  const negotiation = mode === 'pinned' ? { pin: '2026-07-28' } : mode === 'legacy' ? 'legacy' : 'auto';
  client = new Client(info, { versionNegotiation: { mode: negotiation, probe: { timeoutMs: 60000 } } });
  await client.connect(new StdioClientTransport(parameters));
}

const patience = { timeout: 120000 };
const { tools } = await client.listTools();
const called = new Set();
const call = async (name, args = {}) => {
  called.add(name);
  const r = await client.callTool({ name, arguments: args }, ...(mode === 'sdk' ? [undefined, patience] : [patience]));
  console.log(name, JSON.stringify(args), '→', r.content[0].text.slice(0, 300));
  return r;
};
// The client itself holds the result against the tool's output schema.
const good = async (name, args) => {
  const r = await call(name, args);
  assert.notEqual(r.isError, true, `${name}: ${r.content[0].text}`);
  assert.deepEqual(JSON.parse(r.content[0].text), r.structuredContent, `${name}: text and structure differ`);
  return r.structuredContent;
};
const refused = async (name, args, part) => {
  const r = await call(name, args);
  assert.equal(r.isError, true, name);
  assert.match(r.content[0].text, part);
};
const eventually = async (what, condition) => {
  const until = Date.now() + 60000;
  while (!(await condition())) {
    assert.ok(Date.now() < until, `never: ${what}`);
    await new Promise((done) => setTimeout(done, 200));
  }
};
const service = 'consumer';
const replicas = async () => (await good('get_current_replicas', { service })).current_replicas;

async function look() {
  const all = await good('list_services', {});
  assert.equal(all.services[0].service, service);
  assert.equal((await good('get_status', { service })).services[0].max_replicas, 5);
  assert.equal(await replicas(), 1);
  assert.equal((await good('get_queue_metrics', { service, window_sec: 1 })).backlog, 0);
  assert.deepEqual((await good('get_metrics', { service })).metrics, {});
  assert.equal((await good('calculate_target_replicas', { service, recommendation: 'scale_up', current_replicas: 4 })).target_replicas, 5);
  assert.equal((await good('detect_anomalies', { metrics: { a: 90, b: 80 }, rules: { cpu_high_pct: 75, cpu_low_pct: 20 } })).recommendation, 'scale_up');
  const decided = await good('decide_scale_multi', {
    service_name: service, current_replicas: 1, observations: { 'queue.backlog': 1500, 'queue.rate_in': 10 }, max_replicas: 2 });
  assert.equal(decided.action, 'scale_up');
  assert.equal(decided.target_replicas, 2, 'bounds can be narrowed');
  assert.match(decided.reason, /queue\.backlog 1500\.0 > 500/);
  const wide = await good('decide_scale_multi', {
    service_name: service, current_replicas: 5, observations: { 'queue.backlog': 1500 }, max_replicas: 50 });
  assert.equal(wide.target_replicas, 5, 'and never widened');
  const { decisions } = await good('list_decisions', { service, last: 3 });
  assert.ok(decisions.length > 0);
  assert.equal((await good('explain_decision', { id: decisions[0].id })).decision.id, decisions[0].id);
  assert.equal((await good('simulate', { service, capacity: 100, start_up: 1 })).service, service);
}

async function mistakes() {
  await refused('get_status', { service: 'consmer' }, /there are: consumer/);
  await refused('get_current_replicas', {}, /arguments\.service is missing/);
  await refused('get_queue_metrics', { service, window_sec: '3' }, /must be a whole number from 1 to 300/);
  await refused('explain_decision', { id: 'nonsense' }, /list_decisions/);
  await refused('propose_scale', { service, target_replicas: -5 }, /from 0 to 100000/);
  await refused('propose_scale', { service, target_replicas: 50 }, /outside the bounds/);
  await assert.rejects(client.callTool({ name: 'get_statos', arguments: {} }), /did you mean get_status/);
}

async function act() {
  await refused('apply_scale', { service, target_replicas: '3' }, /the text "3"; it must be a whole number/);
  await refused('apply_scale', { service, target_replicas: 6 }, /outside the bounds of consumer, 1\.\.5/);
  await refused('apply_scale', { service: 'nobody', target_replicas: 2 }, /it has: consumer/);
  assert.equal(await replicas(), 1, 'nothing of that did anything');
  await good('apply_scale', { service, target_replicas: 3, reason: 'a test' });
  await eventually('three replicas', async () => (await replicas()) === 3);
  await good('pause_service', { service, for: '5m' });
  assert.match((await good('get_status', { service })).services[0].why_nothing_happens, /paused by .* via mcp \(docktor-tests\)/);
  await good('resume_service', { service });
  await good('pause_service', { service });
  const open = async () => (await good('list_services', {})).services[0].proposals ?? [];
  const now = await replicas();
  await good('propose_scale', { service, target_replicas: now === 4 ? 5 : 4, reason: 'more to come' });
  await good('reject', { id: (await open())[0].id, reason: 'not now' });
  assert.deepEqual(await open(), []);
  await good('resume_service', { service });
  await eventually('an approved proposal', async () => {
    await good('propose_scale', { service, target_replicas: 5 });
    const [proposal] = await open();  // the policy may have changed the replicas meanwhile, which ends it
    return proposal && (await call('approve', { id: proposal.id })).isError !== true;
  });
  await refused('approve', { id: 'nonsense' }, /no proposal 'nonsense' is open/);
}

const names = tools.map((t) => t.name);
if (mode === 'alone') {
  assert.equal((await good('list_services', {})).daemon, false);
  assert.equal(await replicas(), 1, 'the worker that the daemon left running');
  assert.equal((await good('get_queue_metrics', { service })).backlog, 0);
  assert.ok((await good('list_decisions', {})).decisions.length > 0);
  await refused('apply_scale', { service, target_replicas: 2 }, /docktor daemon start/);
} else if (mode === 'looking') {
  assert.equal(names.length, 12);
  await look();
  await refused('apply_scale', { service, target_replicas: 3 }, /--allow-actions/);
  await refused('pause_service', { service }, /--allow-actions/);
  assert.equal(await replicas(), 1);
} else {
  assert.equal(names.length, 17);
  for (const t of tools) {
    assert.equal(t.inputSchema.additionalProperties, false, t.name);
    assert.equal(t.outputSchema.type, 'object', t.name);
  }
  await look();
  await mistakes();
  await act();
  assert.deepEqual(names.filter((n) => !called.has(n)), [], 'every tool was called');
  console.log('17 tools listed, all called');
}
await client.close();
