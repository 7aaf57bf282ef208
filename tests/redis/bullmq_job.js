// BullMQ for the tests of frameworks: node bullmq_job.js VERB N [FIRST]; REDIS_PORT names the server, or REDIS_CLUSTER the ports of
// one of several, then with the prefix {bull}; QUEUE the queue, GATE a file: jobs run until it exists; JOB_MS: how long one takes;
// RECORD_FILE: a line for each job done.
const fs = require('fs');
const {Queue, Worker} = require('bullmq');
const name = process.env.QUEUE || 'mail';
const servers = (process.env.REDIS_CLUSTER || process.env.REDIS_PORT).split(',').map(port => ({host: '127.0.0.1', port: Number(port)}));
// A worker waits for the next job on its connection, and must not give up.
const connection = process.env.REDIS_CLUSTER
  ? new (require('ioredis').Cluster)(servers, {redisOptions: {maxRetriesPerRequest: null}}) : servers[0];
const options = {connection, ...(process.env.REDIS_CLUSTER && {prefix: '{bull}'})};
const [verb, count] = [process.argv[2], Number(process.argv[3] || 0)];
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
async function gated(job) {
  while (!fs.existsSync(process.env.GATE)) await wait(10);
  if (job.data.fails) throw new Error('it was to fail');
  await wait(Number(process.env.JOB_MS || 0));
  if (process.env.RECORD_FILE) fs.appendFileSync(process.env.RECORD_FILE, `${job.data.n}\n`);
}
(async () => {
  if (verb === 'work') {
    const worker = new Worker(name, gated, {...options, concurrency: 2});
    process.on('SIGTERM', () => worker.close().then(() => process.exit(0)));
    return;
  }
  const queue = new Queue(name, options);
  const first = Number(process.argv[4] || 0);
  const add = (options, data) => Promise.all([...Array(count).keys()].map(i => queue.add('job', {n: first + i, ...data}, options)));
  if (verb === 'put') await add({});
  if (verb === 'put-dropped') await queue.addBulk([...Array(count)].map(() => ({name: 'job', data: {}, opts: {jobId: 'the-same'}})));
  if (verb === 'put-failing') await add({}, {fails: true});
  if (verb === 'put-priority') await add({priority: 3});
  if (verb === 'put-later') await add({delay: 3600000});
  if (verb === 'put-due') await add({delay: 1});
  if (verb === 'put-retrying') await add({attempts: 3, backoff: 3600000}, {fails: true});
  if (verb === 'count') {  // what it counts itself
    const n = await queue.getJobCounts('wait', 'paused', 'prioritized', 'active', 'delayed', 'failed');
    console.log(n.wait + n.paused + n.prioritized, n.active, n.delayed, n.failed);
  }
  if (verb === 'purge') await queue.drain(true);
  if (verb === 'pause') await queue.pause();
  if (verb === 'resume') await queue.resume();
  if (verb === 'obliterate') await queue.obliterate({force: true});
  await queue.close();
  if (process.env.REDIS_CLUSTER) connection.disconnect();
})();
