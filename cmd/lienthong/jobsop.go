package main

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/scheduler"
)

// jobOperations are what an operator can do about the jobs of this server. They answer with plain JSON, and the policy says whose
// they are (operator).
//
//	GET  $jobs                     all jobs; with job=NAME the one, with its newest slots (count=20)
//	POST $job-pause?job=&reason=   no slot by schedule is begun on any server
//	POST $job-resume?job=
//	POST $job-run?job=             a run as soon as no other one of the job is under way
func jobOperations(n *node, base string) []rest.Operation {
	serve := func(name string, reads bool, do func(ctx context.Context, q jobQuery) error) rest.Operation {
		return rest.Operation{Name: name, Reads: reads, Definition: base + "/fhir/OperationDefinition/" + name, Serve: func(ctx context.Context, a rest.Asked) (rest.Content, error) {
			if n.runner == nil {
				return rest.Content{}, fhir.Errorf(fhir.NotFound, "jobs-none", "")
			}
			q, err := readJobQuery(a.Query)
			if err != nil {
				return rest.Content{}, err
			}
			q.who = whoAsks(ctx)
			if err := do(ours(ctx), q); err != nil {
				return rest.Content{}, err
			}
			return n.jobs(ours(ctx), q)
		}}
	}
	return []rest.Operation{
		serve("jobs", true, func(context.Context, jobQuery) error { return nil }),
		serve("job-pause", false, func(ctx context.Context, q jobQuery) error { return n.runner.Pause(ctx, q.job, q.who, q.reason) }),
		serve("job-resume", false, func(ctx context.Context, q jobQuery) error { return n.runner.Resume(ctx, q.job) }),
		serve("job-run", false, func(ctx context.Context, q jobQuery) error {
			_, err := n.runner.RunNow(ctx, q.job, q.who)
			return err
		}),
	}
}

// whoAsks names the caller as the rows of the scheduler keep him.
func whoAsks(ctx context.Context) string {
	if c, ok := access.CallerOf(ctx); ok {
		return c.Subject
	}
	return "(not authenticated)"
}

type jobQuery struct {
	job, reason, who string
	count            int
}

const mostSlots = 200

func readJobQuery(raw string) (jobQuery, error) {
	q := jobQuery{count: 20}
	params, err := search.Parse(raw)
	if err != nil {
		return q, err
	}
	for _, p := range params {
		switch p.Key() {
		case "job":
			q.job = p.Value
		case "reason":
			q.reason = p.Value
		case "count":
			if q.count, err = strconv.Atoi(p.Value); err != nil || q.count < 1 || q.count > mostSlots {
				return q, fhir.Errorf(fhir.Invalid, "jobs-count", "http.count", mostSlots)
			}
		default:
			return q, fhir.Errorf(fhir.Invalid, "operation-parameter-unknown", "", p.Key())
		}
	}
	return q, nil
}

// jobView is a job as the operations show it; times are instants in UTC.
type jobView struct {
	Name     string           `json:"name"`
	Schedule string           `json:"schedule"`
	Zone     string           `json:"zone"`
	CatchUp  string           `json:"catchUp"`
	Jitter   string           `json:"jitter,omitempty"`
	Paused   *scheduler.Pause `json:"paused,omitempty"`
	Next     string           `json:"next,omitempty"`
	Waiting  int              `json:"waiting,omitempty"`
	Current  *slotView        `json:"current,omitempty"`
	Last     *slotView        `json:"last,omitempty"`
	Slots    []slotView       `json:"slots,omitempty"`
}

type slotView struct {
	At      string `json:"at"`
	State   string `json:"state"`
	Manual  bool   `json:"manual,omitempty"`
	By      string `json:"by,omitempty"`
	Try     int    `json:"try,omitempty"`
	Server  string `json:"server,omitempty"`
	Token   uint64 `json:"fencingToken,omitempty"`
	Started string `json:"started,omitempty"`
	Ended   string `json:"ended,omitempty"`
	Message string `json:"message,omitempty"`
}

func viewOf(s scheduler.SlotRecord) slotView {
	when := func(at fhir.Instant) string {
		if at == 0 {
			return ""
		}
		return at.String()
	}
	return slotView{At: when(s.At), State: string(s.State), Manual: s.Manual, By: s.By, Try: s.Try, Server: s.Holder, Token: s.Token,
		Started: when(s.Started), Ended: when(s.Ended), Message: s.Message}
}

// jobs answers with the jobs as they stand.
func (n *node) jobs(ctx context.Context, q jobQuery) (rest.Content, error) {
	all, err := n.runner.Jobs(ctx)
	if err != nil {
		return rest.Content{}, err
	}
	if q.job != "" {
		all = slices.DeleteFunc(all, func(j scheduler.JobStatus) bool { return j.Name != q.job })
		if len(all) == 0 {
			return rest.Content{}, fhir.Errorf(fhir.NotFound, "job-unknown", "", q.job)
		}
	}
	views := []jobView{}
	for _, j := range all {
		v := jobView{Name: j.Name, Schedule: j.Schedule, Zone: j.Zone, CatchUp: j.CatchUp.String(), Paused: j.Paused, Waiting: j.Waiting}
		if j.Jitter > 0 {
			v.Jitter = j.Jitter.String()
		}
		if !j.Next.IsZero() {
			v.Next = j.Next.UTC().Format(time.RFC3339)
		}
		if j.Current != nil {
			c := viewOf(*j.Current)
			v.Current = &c
		}
		limit := 5
		if q.job != "" {
			limit = q.count
		}
		slots, err := n.runner.Slots(ctx, j.Name, limit)
		if err != nil {
			return rest.Content{}, err
		}
		for _, s := range slots {
			if v.Last == nil && s.Ended != 0 {
				last := viewOf(s)
				v.Last = &last
			}
			if q.job != "" {
				v.Slots = append(v.Slots, viewOf(s))
			}
		}
		views = append(views, v)
	}
	raw, err := json.Marshal(map[string]any{"jobs": views})
	return rest.Content{Type: "application/json", Body: raw}, err
}
