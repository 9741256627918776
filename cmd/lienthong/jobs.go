package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
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

// jobsServer is how the commands reach the server.
type jobsServer struct {
	Server    string `default:"http://127.0.0.1:8080/fhir" env:"LIENTHONG_SERVER" placeholder:"URL" help:"FHIR base URL of the server. Default: ${default}."`
	TokenFile string `name:"token-file" type:"path" env:"LIENTHONG_TOKEN_FILE" placeholder:"FILE" help:"File with an access token of an operator. Default: none, for servers that ask nobody."`
	JSON      bool   `name:"json" help:"Print the answer as JSON."`
}

type jobsListCmd struct {
	jobsServer `embed:""`
}

type jobsSlotsCmd struct {
	jobsServer `embed:""`
	Job        string `arg:"" help:"Name of the job, such as bhxh-sync."`
	Count      int    `default:"20" help:"How many slots. Default: ${default}."`
}

type jobsPauseCmd struct {
	jobsServer `embed:""`
	Job        string `arg:"" help:"Name of the job, such as bhxh-sync."`
	Reason     string `required:"" help:"Why; it is kept and shown."`
}

type jobsResumeCmd struct {
	jobsServer `embed:""`
	Job        string `arg:"" help:"Name of the job, such as bhxh-sync."`
}

type jobsRunCmd struct {
	jobsServer `embed:""`
	Job        string `arg:"" help:"Name of the job, such as bhxh-sync."`
}

// Run shows all jobs.
func (c jobsListCmd) Run(ctx context.Context, s streams) error {
	return c.do(ctx, s, http.MethodGet, "jobs", nil)
}

// Run shows the slots of one.
func (c jobsSlotsCmd) Run(ctx context.Context, s streams) error {
	return c.do(ctx, s, http.MethodGet, "jobs", url.Values{"job": {c.Job}, "count": {fmt.Sprint(c.Count)}})
}

// Run pauses.
func (c jobsPauseCmd) Run(ctx context.Context, s streams) error {
	return c.do(ctx, s, http.MethodPost, "job-pause", url.Values{"job": {c.Job}, "reason": {c.Reason}})
}

// Run takes a pause back.
func (c jobsResumeCmd) Run(ctx context.Context, s streams) error {
	return c.do(ctx, s, http.MethodPost, "job-resume", url.Values{"job": {c.Job}})
}

// Run asks for a run.
func (c jobsRunCmd) Run(ctx context.Context, s streams) error {
	return c.do(ctx, s, http.MethodPost, "job-run", url.Values{"job": {c.Job}})
}

// maxJobsAnswer bounds what is read of an answer.
const maxJobsAnswer = 4 << 20

func (c jobsServer) do(ctx context.Context, s streams, method, operation string, q url.Values) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.Server, "/")+"/$"+operation+"?"+q.Encode(), nil)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if c.TokenFile != "" {
		token, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxJobsAnswer))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return refusal(res.Status, raw)
	}
	if c.JSON {
		_, err := s.out.Write(append(raw, '\n'))
		return err
	}
	var answer struct{ Jobs []jobView }
	if err := json.Unmarshal(raw, &answer); err != nil {
		return fmt.Errorf("the answer is not that of a server with jobs: %w", err)
	}
	return printJobs(s.out, answer.Jobs)
}

// refusal is an OperationOutcome in words.
func refusal(status string, raw []byte) error {
	var o struct {
		Issue []struct{ Details struct{ Text string } }
	}
	var said []string
	if json.Unmarshal(raw, &o) == nil {
		for _, i := range o.Issue {
			said = append(said, i.Details.Text)
		}
	}
	return errors.New(strings.TrimSuffix(status+": "+strings.Join(said, "; "), ": "))
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
