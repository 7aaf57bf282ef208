// What the tests do with River: puts jobs in and works on them, as its users do.
//
//	river_jobs river VERB [N [FIRST]]      DATABASE_URL; GATE: a file, jobs run until it exists; JOB_MS: how long one takes;
//	                                       DONE: a line for each job done
//	river_jobs river serve                 does what the file ASK says, "put 3", and answers by renaming ASK.done, until it is ended
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

type Mail struct {
	Fails bool `json:"fails"`
	N     int  `json:"n"`
}

func (Mail) Kind() string { return "mail" }

type worker struct {
	river.WorkerDefaults[Mail]
}

// The gate is a person's: a job waits for it as long as it takes. Of jobs that may take for ever River takes back none.
func (worker) Timeout(*river.Job[Mail]) time.Duration { return time.Hour }
func (worker) NextRetry(*river.Job[Mail]) time.Time   { return time.Now().Add(time.Hour) }
func (worker) Work(_ context.Context, job *river.Job[Mail]) error {
	for {
		if _, err := os.Stat(os.Getenv("GATE")); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if job.Args.Fails {
		return errors.New("it was to fail")
	}
	ms, _ := strconv.Atoi(os.Getenv("JOB_MS"))
	time.Sleep(time.Duration(ms) * time.Millisecond)
	out, err := os.OpenFile(os.Getenv("DONE"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	_, err = fmt.Fprintln(out, job.Args.N)
	return err
}

// The first job's number.
var first int

type client = *river.Client[pgx.Tx]

func put(ctx context.Context, c client, n int, args Mail, opts river.InsertOpts) error {
	opts.Queue = "mail"
	for i := range n {
		args.N = first + i
		if _, err := c.Insert(ctx, args, &opts); err != nil {
			return err
		}
	}
	return nil
}

// What it counts itself.
func count(ctx context.Context, c client) (string, error) {
	list, err := c.JobList(ctx, river.NewJobListParams().Queues("mail").First(1000))
	if err != nil {
		return "", err
	}
	waiting, later, inHand, dead := 0, 0, 0, 0
	for _, job := range list.Jobs {
		switch job.State {
		case rivertype.JobStateRunning:
			inHand++
		case rivertype.JobStateDiscarded:
			dead++
		case rivertype.JobStateAvailable, rivertype.JobStateRetryable, rivertype.JobStateScheduled:
			if job.ScheduledAt.After(time.Now()) {
				later++
			} else {
				waiting++
			}
		}
	}
	return fmt.Sprintf("waiting=%d later=%d in_hand=%d dead=%d", waiting, later, inHand, dead), nil
}

// Cancels what has not begun.
func purge(ctx context.Context, c client) error {
	list, err := c.JobList(ctx, river.NewJobListParams().Queues("mail").First(1000).States(
		rivertype.JobStateAvailable, rivertype.JobStateRetryable, rivertype.JobStateScheduled))
	if err != nil {
		return err
	}
	for _, job := range list.Jobs {
		if _, err := c.JobCancel(ctx, job.ID); err != nil {
			return err
		}
	}
	return nil
}

func act(ctx context.Context, c client, verb string, n int) (string, error) {
	switch verb {
	case "put":
		return "", put(ctx, c, n, Mail{}, river.InsertOpts{})
	case "put-later":
		return "", put(ctx, c, n, Mail{}, river.InsertOpts{ScheduledAt: time.Now().Add(time.Hour)})
	case "put-due":
		return "", put(ctx, c, n, Mail{}, river.InsertOpts{ScheduledAt: time.Now().Add(100 * time.Millisecond)})
	case "put-failing":
		return "", put(ctx, c, n, Mail{Fails: true}, river.InsertOpts{MaxAttempts: 1})
	case "put-retrying":
		return "", put(ctx, c, n, Mail{Fails: true}, river.InsertOpts{})
	case "count":
		return count(ctx, c)
	case "purge":
		return "", purge(ctx, c)
	case "pause":
		return "", c.QueuePause(ctx, "mail", nil)
	case "resume":
		return "", c.QueueResume(ctx, "mail", nil)
	}
	return "", fmt.Errorf("no verb %s", verb)
}

func serve(ctx context.Context, c client) error {
	ask := os.Getenv("ASK")
	for ; ; time.Sleep(5 * time.Millisecond) {
		what, err := os.ReadFile(ask)
		if err != nil {
			continue
		}
		os.Remove(ask)
		verb, number, _ := strings.Cut(strings.TrimSpace(string(what)), " ")
		n, _ := strconv.Atoi(number)
		said, err := act(ctx, c, verb, n)
		if err != nil {
			return err
		}
		if err := os.WriteFile(ask+".new", []byte(said), 0o600); err != nil {
			return err
		}
		if err := os.Rename(ask+".new", ask+".done"); err != nil {
			return err
		}
	}
}

func migrate(ctx context.Context, driver *riverpgxv5.Driver) error {
	migrator, err := rivermigrate.New(driver, nil)
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

func run(ctx context.Context, verb string, n int) error {
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	defer pool.Close()
	driver := riverpgxv5.New(pool)
	if verb == "make" {
		return migrate(ctx, driver)
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{})
	config := &river.Config{Workers: workers, Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))}
	if verb == "work" {
		config.Queues = map[string]river.QueueConfig{"mail": {MaxWorkers: 1}}
		config.FetchPollInterval = 500 * time.Millisecond
	}
	c, err := river.NewClient(driver, config)
	if err != nil {
		return err
	}
	switch verb {
	case "serve":
		return serve(ctx, c)
	case "work":
		// At SIGTERM the jobs in hand are finished.
		ended, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
		defer stop()
		if err := c.Start(ctx); err != nil {
			return err
		}
		<-ended.Done()
		return c.Stop(ctx)
	}
	said, err := act(ctx, c, verb, n)
	fmt.Println(said)
	return err
}

func main() {
	n := 0
	if len(os.Args) > 3 {
		n, _ = strconv.Atoi(os.Args[3])
	}
	if len(os.Args) > 4 {
		first, _ = strconv.Atoi(os.Args[4])
	}
	if err := run(context.Background(), os.Args[2], n); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
