// BullMQ for the tests of frameworks: node bullmq_job.js VERB N; REDIS_PORT names the server, QUEUE the queue, GATE a file:
// jobs run until it exists.
const fs = require('fs');
const {Queue, Worker} = require('bullmq');
const name = process.env.QUEUE || 'mail';
const connection = {host: '127.0.0.1', port: Number(process.env.REDIS_PORT)};
const [verb, count] = [process.argv[2], Number(process.argv[3] || 0)];
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
async function gated(job) {
  while (!fs.existsSync(process.env.GATE)) await wait(10);
  if (job.data.fails) throw new Error('it was to fail');
}
(async () => {
  if (verb === 'work') {
    new Worker(name, gated, {connection, concurrency: 2});
    return;
  }
  const queue = new Queue(name, {connection});
  const add = (options, data) => Promise.all([...Array(count)].map(() => queue.add('job', data || {}, options)));
  if (verb === 'put') await add({});
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
})();
