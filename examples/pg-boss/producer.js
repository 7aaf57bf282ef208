// Puts jobs into a pg-boss queue: RATE a second, and BURST_RATE for BURST_DURATION seconds of every BURST_INTERVAL. COUNT=N puts
// N jobs at once and ends.
const {PgBoss} = require('pg-boss');

const number = (name, standard) => Number(process.env[name] || standard);
const queue = process.env.QUEUE || 'mail';
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

async function main() {
  const boss = new PgBoss({connectionString: process.env.DATABASE_URL || 'postgres://localhost/app', max: 2, supervise: false, schedule: false});
  boss.on('error', (error) => console.error(error.message));
  await boss.start();
  await boss.createQueue(queue);
  const count = number('COUNT', 0), first = number('FIRST', 1);
  if (count) {
    for (let n = 0; n < count; n += 500)
      await boss.insert(queue, [...Array(Math.min(500, count - n)).keys()].map((i) => ({data: {n: first + n + i}})));
    await boss.stop();
    return;
  }
  const began = Date.now();
  for (let n = 1, due = 0; ; ++n) {
    const bursts = due >= number('BURST_INTERVAL', 120) && due % number('BURST_INTERVAL', 120) < number('BURST_DURATION', 20);
    due += 1 / (bursts ? number('BURST_RATE', 40) : number('RATE', 8));
    await wait(Math.max(0, began + 1000 * due - Date.now()));
    await boss.send(queue, {n});
  }
}
main().catch((error) => { console.error(error.message); process.exit(1); });
