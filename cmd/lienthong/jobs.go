package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"
)

type jobsCmd struct {
	List   jobsListCmd   `cmd:"" default:"withargs" help:"Show all jobs: schedule, next slot, what they did last."`
	Slots  jobsSlotsCmd  `cmd:"" help:"Show the newest slots of a job."`
	Pause  jobsPauseCmd  `cmd:"" help:"Begin no more slots of a job on any server, until it is resumed."`
	Resume jobsResumeCmd `cmd:"" help:"Take a pause back."`
	Run    jobsRunCmd    `cmd:"" help:"Run a job as soon as no other run of it is under way, also while it is paused."`
}

type jobsListCmd struct {
	serverFlags
}

type jobsSlotsCmd struct {
	serverFlags
	Job   string `arg:"" help:"Name of the job, such as bhxh-sync."`
	Count int    `default:"20" help:"How many slots. Default: ${default}."`
}

type jobsPauseCmd struct {
	serverFlags
	Job    string `arg:"" help:"Name of the job, such as bhxh-sync."`
	Reason string `required:"" help:"Why; it is kept and shown."`
}

type jobsResumeCmd struct {
	serverFlags
	Job string `arg:"" help:"Name of the job, such as bhxh-sync."`
}

type jobsRunCmd struct {
	serverFlags
	Job string `arg:"" help:"Name of the job, such as bhxh-sync."`
}

// Run shows all jobs.
func (c jobsListCmd) Run(ctx context.Context, s streams) error {
	return c.askJobs(ctx, s, http.MethodGet, "jobs", nil)
}

// Run shows the slots of one.
func (c jobsSlotsCmd) Run(ctx context.Context, s streams) error {
	return c.askJobs(ctx, s, http.MethodGet, "jobs", url.Values{"job": {c.Job}, "count": {fmt.Sprint(c.Count)}})
}

// Run pauses.
func (c jobsPauseCmd) Run(ctx context.Context, s streams) error {
	return c.askJobs(ctx, s, http.MethodPost, "job-pause", url.Values{"job": {c.Job}, "reason": {c.Reason}})
}

// Run takes a pause back.
func (c jobsResumeCmd) Run(ctx context.Context, s streams) error {
	return c.askJobs(ctx, s, http.MethodPost, "job-resume", url.Values{"job": {c.Job}})
}

// Run asks for a run.
func (c jobsRunCmd) Run(ctx context.Context, s streams) error {
	return c.askJobs(ctx, s, http.MethodPost, "job-run", url.Values{"job": {c.Job}})
}

// askJobs asks for jobs, or for something to be done with one, and prints what the server answers.
func (f serverFlags) askJobs(ctx context.Context, s streams, method, operation string, q url.Values) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	raw, err := f.ask(ctx, method, "/$"+operation, q)
	if err != nil {
		return err
	}
	if f.AsJSON {
		_, err := s.out.Write(append(raw, '\n'))
		return err
	}
	var answer struct{ Jobs []jobView }
	if err := json.Unmarshal(raw, &answer); err != nil {
		return fmt.Errorf("the answer is not that of a server with jobs: %w", err)
	}
	return printJobs(s.out, answer.Jobs)
}

func printJobs(out io.Writer, jobs []jobView) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "JOB\tSCHEDULE\tZONE\tCATCH-UP\tNEXT\tSTATE\tLAST")
	for _, j := range jobs {
		state := "waits"
		if j.Current != nil {
			state = "runs since " + j.Current.Started
		}
		if j.Paused != nil {
			state += fmt.Sprintf(", paused by %s: %s", j.Paused.By, j.Paused.Reason)
		}
		if j.Waiting > 0 {
			state += fmt.Sprintf(", %d asked for", j.Waiting)
		}
		last := "-"
		if j.Last != nil {
			last = strings.TrimSuffix(j.Last.Ended+" "+j.Last.State+": "+j.Last.Message, ": ")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", j.Name, j.Schedule, j.Zone, j.CatchUp, j.Next, state, last)
	}
	for _, j := range jobs {
		if len(j.Slots) == 0 {
			continue
		}
		fmt.Fprintln(w, "\nSLOT\tSTATE\tSTARTED\tENDED\tTRY\tSERVER\tBY\tMESSAGE")
		for _, s := range j.Slots {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", s.At, s.State, s.Started, s.Ended, s.Try, s.Server, s.By, s.Message)
		}
	}
	return w.Flush()
}
