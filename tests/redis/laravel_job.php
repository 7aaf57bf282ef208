<?php
// Laravel's queue for the tests of frameworks: php laravel_job.php VERB [N [FIRST]]; REDIS_PORT names the server, QUEUE the queue, GATE a file:
// jobs run until it exists; JOB_MS: how long one takes; RECORD_FILE: a line for each job done; FAILED_PORT: a PostgreSQL server that
// keeps the failed ones. Queue manager, worker and database are Laravel's own, wired as `artisan queue:work` wires them.
foreach (['Container', 'Queue', 'Redis', 'Events', 'Bus'] as $part) require_once "Illuminate/$part/autoload.php";

use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Queue\Capsule\Manager;
use Illuminate\Queue\InteractsWithQueue;
use Illuminate\Queue\Worker;
use Illuminate\Queue\WorkerOptions;

class GatedJob implements ShouldQueue
{
    use InteractsWithQueue;
    public $backoff = 3600;
    public function __construct(public int $n, public int $tries = 1) {}
    public function handle()
    {
        while (!file_exists(getenv('GATE'))) usleep(10000);
        usleep(1000 * (int) getenv('JOB_MS'));
        if ($this->n < 0) throw new RuntimeException('it was to fail');
        if (getenv('RECORD_FILE')) file_put_contents(getenv('RECORD_FILE'), "{$this->n}\n", FILE_APPEND);
    }
}

class Told implements ExceptionHandler
{
    public function report(Throwable $e) { fwrite(STDERR, $e->getMessage() . "\n"); }
    public function shouldReport(Throwable $e) { return true; }
    public function render($request, Throwable $e) {}
    public function renderForConsole($output, Throwable $e) {}
}

$container = new Illuminate\Container\Container;
Illuminate\Container\Container::setInstance($container);
$container->instance(Illuminate\Contracts\Container\Container::class, $container);
$events = new Illuminate\Events\Dispatcher($container);
$container->instance(Illuminate\Contracts\Events\Dispatcher::class, $events);
$container->instance('events', $events);
$container->instance(ExceptionHandler::class, new Told);
$container->singleton(Illuminate\Contracts\Bus\Dispatcher::class, fn ($c) => new Illuminate\Bus\Dispatcher($c));
$container->singleton('redis', fn ($c) => new Illuminate\Redis\RedisManager($c, 'phpredis', [
    'options' => ['prefix' => 'laravel_database_'],
    'default' => ['host' => '127.0.0.1', 'port' => (int) getenv('REDIS_PORT'), 'database' => 0],
]));
$capsule = new Manager($container);
// retry_after of a job in dead hands is Laravel's standard, but for the test that waits for it.
$capsule->addConnection(['driver' => 'redis', 'connection' => 'default', 'queue' => getenv('QUEUE') ?: 'default',
    'retry_after' => (int) (getenv('RETRY_AFTER') ?: 90)]);
$queue = $capsule->getConnection();

function failed_jobs($container, $events)
{
    require_once 'Illuminate/Database/autoload.php';
    $db = new Illuminate\Database\Capsule\Manager($container);
    $db->addConnection(['driver' => 'pgsql', 'host' => '127.0.0.1', 'port' => (int) getenv('FAILED_PORT'),
        'database' => 'postgres', 'username' => 'postgres', 'password' => '']);
    $container->instance('db', $db->getDatabaseManager());
    Illuminate\Support\Facades\Facade::setFacadeApplication($container);
    $failer = new Illuminate\Queue\Failed\DatabaseUuidFailedJobProvider($db->getDatabaseManager(), 'default', 'failed_jobs');
    $events->listen(Illuminate\Queue\Events\JobFailed::class, fn ($event) => $failer->log($event->connectionName,
        $event->job->getQueue(), $event->job->getRawBody(), $event->exception));
    return $failer;
}
$failer = getenv('FAILED_PORT') ? failed_jobs($container, $events) : null;

[$verb, $n, $first] = [$argv[1], (int) ($argv[2] ?? 0), (int) ($argv[3] ?? 1)];
switch ($verb) {
    case 'put': for ($i = 0; $i < $n; ++$i) $queue->push(new GatedJob($first + $i)); break;
    case 'put-mail': for ($i = 0; $i < $n; ++$i) $queue->pushOn('mail', new GatedJob($first + $i)); break;
    case 'put-failing': for ($i = 0; $i < $n; ++$i) $queue->push(new GatedJob(-1)); break;
    case 'put-retrying': for ($i = 0; $i < $n; ++$i) $queue->push(new GatedJob(-1, 3)); break;
    case 'put-later': for ($i = 0; $i < $n; ++$i) $queue->later(3600, new GatedJob($first + $i)); break;
    case 'put-due': for ($i = 0; $i < $n; ++$i) $queue->later(-1, new GatedJob($first + $i)); break;
    case 'count':  // what it counts itself: all; and where it has them since Laravel 11
        echo $queue->size(), method_exists($queue, 'pendingSize')
            ? " {$queue->pendingSize()} {$queue->reservedSize()} {$queue->delayedSize()}" : '', "\n";
        break;
    case 'make-failed':  // `artisan queue:failed-table`, then `migrate`
        $stub = file_get_contents(dirname((new ReflectionClass(Worker::class))->getFileName()) . '/Console/stubs/failed_jobs.stub');
        eval('?>' . str_replace(['{{tableClassName}}', '{{table}}'], ['FailedJobs', 'failed_jobs'], $stub));
        (new CreateFailedJobsTable)->up();
        break;
    case 'failed': echo count($failer->all()), "\n"; break;
    case 'retry':  // `artisan queue:retry all`
        foreach ($failer->all() as $job) {
            $queue->pushRaw($job->payload, $job->queue);
            $failer->forget($job->id);
        }
        break;
    case 'purge': $queue->clear(getenv('QUEUE') ?: 'default'); break;
    case 'work':
        $worker = new Worker($capsule->getQueueManager(), $events, $container[ExceptionHandler::class], fn () => false);
        exit($worker->daemon('default', getenv('QUEUE') ?: 'default', new WorkerOptions(sleep: 0.1, timeout: 0)));
}
