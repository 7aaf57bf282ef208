// What the tests do with pg-boss and Graphile Worker: puts jobs in and works on them, as their users do.
//   node jobs.js PACKAGE VERB [N [FIRST]]      PACKAGE: pg-boss, pg-boss-11, pg-boss-12, graphile-worker; DATABASE_URL; GATE: a
//                                      file, jobs run until it exists; JOB_MS: how long one takes; DONE: a line for each job done
const fs = require('fs');
const [framework, verb, count, begin] = process.argv.slice(2);
const n = Number(count || 0), first = Number(begin || 0);
const connectionString = process.env.DATABASE_URL;
const sleep = ms => new Promise(done => setTimeout(done, ms));

async function job(data) {
  while (!fs.existsSync(process.env.GATE)) await sleep(10);
  if (data.fails) throw new Error('it was to fail');
  await sleep(Number(process.env.JOB_MS || 0));
  fs.appendFileSync(process.env.DONE, `${data.n}\n`);
}

async function boss() {
  const its = require(framework);
  const PgBoss = its.PgBoss || its.default || its;
  const boss = new PgBoss({connectionString, max: 2, schedule: false, supervise: false});
  boss.on('error', () => {});
  await boss.start();
  if (verb === 'make') await boss.createQueue('mail');
  for (let i = 0; i < n && verb === 'put'; ++i) await boss.send('mail', {n: first + i});
  for (let i = 0; i < n && verb === 'put-later'; ++i) await boss.send('mail', {}, {startAfter: 3600});
  for (let i = 0; i < n && verb === 'put-failing'; ++i) await boss.send('mail', {fails: true}, {retryLimit: 0});
  for (let i = 0; i < n && verb === 'put-retrying'; ++i)
    await boss.send('mail', {fails: true}, {retryLimit: 3, retryDelay: 3600});
  if (verb === 'make-apart') await boss.createQueue('apart', {partition: true, ...(framework === 'pg-boss-12' && {notify: true})});
  for (let i = 0; i < n && verb === 'put-apart'; ++i) await boss.send('apart', {});
  if (verb === 'put-chain') {  // since 12: a job that waits for another one
    await boss.flow([{name: 'mail', data: {}, ref: 'first'}, {name: 'mail', data: {}, ref: 'second', dependsOn: ['first']}]);
  }
  if (verb === 'size') console.log(await size(boss));
  if (verb === 'purge') await (boss.purgeQueue ? boss.purgeQueue('mail') : boss.deleteQueuedJobs('mail'));
  if (verb === 'work') return boss.work('mail', {pollingIntervalSeconds: 0.5}, ([j]) => job(j.data));
  await boss.stop({graceful: false});
  process.exit(0);
}

// Jobs that are not done yet, as it counts them.
async function size(boss) {
  if (boss.getQueueSize) return boss.getQueueSize('mail', {before: 'completed'});
  const open = ['created', 'retry', 'active'];
  if (boss.findJobs) return (await boss.findJobs('mail')).filter(j => open.includes(j.state)).length;
  const stats = await boss.getQueueStats('mail');
  return stats.queuedCount + stats.activeCount;
}

async function graphile() {
  const {makeWorkerUtils, run, Logger} = require('graphile-worker');
  const logger = new Logger(() => () => {});
  if (verb === 'work') return run({connectionString, logger, concurrency: 2, pollInterval: 500, taskList: {mail: job}});
  const utils = await makeWorkerUtils({connectionString, logger});
  if (verb === 'make') await utils.migrate();
  for (let i = 0; i < n && verb === 'put'; ++i) await utils.addJob('mail', {n: first + i});
  for (let i = 0; i < n && verb === 'put-later'; ++i) await utils.addJob('mail', {}, {runAt: new Date(Date.now() + 3600e3)});
  for (let i = 0; i < n && verb === 'put-failing'; ++i) await utils.addJob('mail', {fails: true}, {maxAttempts: 1});
  for (let i = 0; i < n && verb === 'put-retrying'; ++i) await utils.addJob('mail', {fails: true}, {maxAttempts: 25});
  if (verb === 'purge') {
    const free = 'select id from graphile_worker.jobs where locked_at is null';
    await utils.completeJobs((await utils.withPgClient(c => c.query(free))).rows.map(r => r.id));
  }
  if (verb === 'size') console.log(await utils.withPgClient(async c => (await c.query(
    'select from graphile_worker.jobs where attempts < max_attempts or locked_at is not null')).rowCount));
  await utils.release();
  process.exit(0);
}

(framework === 'graphile-worker' ? graphile() : boss()).catch(e => { console.error(e); process.exit(1); });
