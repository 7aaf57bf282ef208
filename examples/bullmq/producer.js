// Puts jobs into a BullMQ queue: RATE a second, and BURST_RATE for BURST_DURATION seconds of every BURST_INTERVAL. COUNT=N puts
// N jobs at once and ends.
const {Queue} = require('bullmq');

const number = (name, standard) => Number(process.env[name] || standard);
const url = new URL(process.env.REDIS_URL || 'redis://localhost:6379');
const connection = {host: url.hostname, port: Number(url.port || 6379)};
const options = {removeOnComplete: 1000, removeOnFail: 1000, attempts: 3};
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

async function main() {
  const queue = new Queue(process.env.QUEUE || 'mail', {connection});
  queue.on('error', (error) => console.error(error.message));
  const job = (n) => ({name: 'job', data: {n}, opts: options});
  const count = number('COUNT', 0), first = number('FIRST', 1);
  if (count) {
    for (let n = 0; n < count; n += 500)
      await queue.addBulk([...Array(Math.min(500, count - n)).keys()].map((i) => job(first + n + i)));
    await queue.close();
    return;
  }
  const began = Date.now();
  for (let n = 1, due = 0; ; ++n) {
    const bursts = due >= number('BURST_INTERVAL', 120) && due % number('BURST_INTERVAL', 120) < number('BURST_DURATION', 20);
    due += 1 / (bursts ? number('BURST_RATE', 40) : number('RATE', 8));
    await wait(Math.max(0, began + 1000 * due - Date.now()));
    await queue.add('job', {n}, options);
  }
}
main();
