// What the tests do with pg-boss and Graphile Worker: puts jobs in and works on them, as their users do.
//   node jobs.js PACKAGE VERB [N [FIRST]]      PACKAGE: pg-boss, pg-boss-11, pg-boss-12, graphile-worker; DATABASE_URL; GATE: a
//                                      file, jobs run until it exists; JOB_MS: how long one takes; DONE: a line for each job done
//   node jobs.js PACKAGE serve         does what the file ASK says, "put 3", and answers by renaming ASK.done, until it is ended
const fs = require('fs');
const [framework, ...words] = process.argv.slice(2);
const connectionString = process.env.DATABASE_URL;
const sleep = ms => new Promise(done => setTimeout(done, ms));

async function job(data) {
  while (!fs.existsSync(process.env.GATE)) await sleep(10);
  if (data.fails) throw new Error('it was to fail');
  await sleep(Number(process.env.JOB_MS || 0));
  fs.appendFileSync(process.env.DONE, `${data.n}\n`);
}

// Does what it is told: once, or whatever a file asks for.
async function obey(act) {
  if (words[0] !== 'serve') {
    console.log(await act(words[0], Number(words[1] || 0), Number(words[2] || 0)) || '');
    process.exit(0);
  }
  for (;; await sleep(5)) {
    if (!fs.existsSync(process.env.ASK)) continue;
    const [verb, n] = fs.readFileSync(process.env.ASK, 'utf8').trim().split(' ');
    fs.unlinkSync(process.env.ASK);
    fs.writeFileSync(`${process.env.ASK}.new`, await act(verb, Number(n || 0), 0) || '');
    fs.renameSync(`${process.env.ASK}.new`, `${process.env.ASK}.done`);
  }
}

async function boss() {
  const its = require(framework);
  const PgBoss = its.PgBoss || its.default || its;
  const boss = new PgBoss({connectionString, max: 2, schedule: false, supervise: false});
  boss.on('error', () => {});
  await boss.start();
  if (words[0] === 'work') return boss.work('mail', {pollingIntervalSeconds: 0.5}, ([j]) => job(j.data));
  await obey((verb, n, first) => bossDoes(boss, verb, n, first));
}

async function bossDoes(boss, verb, n, first) {
  if (verb === 'make') await boss.createQueue('mail');
  for (let i = 0; i < n && verb === 'put'; ++i) await boss.send('mail', {n: first + i});
  for (let i = 0; i < n && verb === 'put-later'; ++i) await boss.send('mail', {}, {startAfter: 3600});
  for (let i = 0; i < n && verb === 'put-due'; ++i) await boss.send('mail', {}, {startAfter: new Date(Date.now() - 1000)});
  for (let i = 0; i < n && verb === 'put-failing'; ++i) await boss.send('mail', {fails: true}, {retryLimit: 0});
  for (let i = 0; i < n && verb === 'put-retrying'; ++i)
    await boss.send('mail', {fails: true}, {retryLimit: 3, retryDelay: 3600});
  if (verb === 'make-apart') await boss.createQueue('apart', {partition: true, ...(framework === 'pg-boss-12' && {notify: true})});
  for (let i = 0; i < n && verb === 'put-apart'; ++i) await boss.send('apart', {});
  if (verb === 'put-chain') {  // since 12: a job that waits for another one
    await boss.flow([{name: 'mail', data: {}, ref: 'first'}, {name: 'mail', data: {}, ref: 'second', dependsOn: ['first']}]);
  }
  if (verb === 'count') return counted(boss);
  if (verb === 'rescue') await (framework === 'pg-boss' ? boss.maintain() : boss.supervise('mail'));
  if (verb === 'purge') await (boss.purgeQueue ? boss.purgeQueue('mail') : boss.deleteQueuedJobs('mail'));
}

// What it counts itself, each figure by its name. `queued` has what waits and what is not due.
const said = figures => Object.entries(figures).map(([name, value]) => `${name}=${value}`).join(' ');
async function counted(boss) {
  if (boss.getQueueSize) {
    const queued = await boss.getQueueSize('mail', {before: 'active'});
    return said({queued, in_hand: await boss.getQueueSize('mail', {before: 'completed'}) - queued});
  }
  if (!boss.findJobs) {
    const stats = await boss.getQueueStats('mail');
    return said({waiting: stats.queuedCount - stats.deferredCount, later: stats.deferredCount, in_hand: stats.activeCount});
  }
  const jobs = await boss.findJobs('mail'), now = Date.now();
  const of = (states, due) => jobs.filter(j => states.includes(j.state) && due(j.startAfter <= now)).length;
  const ready = ['created', 'retry'];
  return said({waiting: of(ready, due => due), later: of(ready, due => !due), in_hand: of(['active'], () => true), dead: of(['failed'], () => true)});
}

async function graphile() {
  const {makeWorkerUtils, run, Logger} = require('graphile-worker');
  const logger = new Logger(() => () => {});
  if (words[0] === 'work') return run({connectionString, logger, concurrency: 2, pollInterval: 500, taskList: {mail: job}});
  const utils = await makeWorkerUtils({connectionString, logger});
  await obey((verb, n, first) => graphileDoes(utils, verb, n, first));
}

async function graphileDoes(utils, verb, n, first) {
  if (verb === 'make') await utils.migrate();
  for (let i = 0; i < n && verb === 'put'; ++i) await utils.addJob('mail', {n: first + i});
  for (let i = 0; i < n && verb === 'put-later'; ++i) await utils.addJob('mail', {}, {runAt: new Date(Date.now() + 3600e3)});
  for (let i = 0; i < n && verb === 'put-due'; ++i) await utils.addJob('mail', {}, {runAt: new Date(Date.now() - 1000)});
  for (let i = 0; i < n && verb === 'put-failing'; ++i) await utils.addJob('mail', {fails: true}, {maxAttempts: 1});
  for (let i = 0; i < n && verb === 'put-retrying'; ++i) await utils.addJob('mail', {fails: true}, {maxAttempts: 25});
  for (let i = 0; i < n && verb === 'put-serial'; ++i) await utils.addJob('mail', {}, {queueName: 'one at a time'});
  if (verb === 'purge') {
    const free = 'select id from graphile_worker.jobs where locked_at is null';
    await utils.completeJobs((await utils.withPgClient(c => c.query(free))).rows.map(r => r.id));
  }
  const jobs = async () => (await utils.withPgClient(c => c.query('select * from graphile_worker.jobs'))).rows;  // its documented view
  if (verb === 'rescue') await utils.forceUnlockWorkers((await jobs()).map(j => j.locked_by).filter(w => w));
  if (verb === 'count') {
    const all = await jobs(), held = all.filter(j => j.locked_at), free = all.filter(j => !j.locked_at);
    const open = free.filter(j => j.attempts < j.max_attempts), due = open.filter(j => j.run_at <= Date.now());
    return said({waiting: due.length, later: open.length - due.length, in_hand: held.length, dead: free.length - open.length});
  }
}

(framework === 'graphile-worker' ? graphile() : boss()).catch(e => { console.error(e); process.exit(1); });
