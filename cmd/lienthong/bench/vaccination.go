package bench

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir/immunization"
)

// citizenIDs is the identifier system of the invented children.
const citizenIDs = "https://lienthong.example/sid/cccd"

// vaccinated is an invented child with every dose of the national programme up to the age of two, on time.
type vaccinated struct {
	id, citizenID string
	birth         time.Time
	doses         []string // Immunizations as JSON
}

func child(n int) vaccinated {
	c := vaccinated{id: fmt.Sprintf("bench-child-%d", n), citizenID: citizenID(n), birth: time.Date(2023, 1, 1+n%365, 0, 0, 0, 0, time.UTC)}
	for i := range immunization.National().Series {
		s := &immunization.National().Series[i]
		last := c.birth
		for _, d := range s.Doses {
			if d.Recommended == nil || d.Recommended.Months > 24 {
				break
			}
			if on := d.Recommended.After(c.birth); on.After(last) {
				last = on
			}
			c.doses = append(c.doses, fmt.Sprintf(`{"resourceType":"Immunization","id":"%s-%s-%d","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":%q}],"text":%q},"patient":{"reference":"Patient/%[1]s"},"occurrenceDateTime":%[6]q,"primarySource":true,"lotNumber":"GD-%[3]d%[4]s","performer":[{"actor":{"display":"Bench station"}}],"protocolApplied":[{"series":%[2]q,"doseNumberPositiveInt":%[3]d}]}`,
				c.id, s.Name, d.Number, s.CVX[0], s.VaccineVi, last.Format(time.DateOnly)))
		}
	}
	return c
}

func citizenID(n int) string { return fmt.Sprintf("051223%06d", n) }

func (c vaccinated) patient() string {
	return fmt.Sprintf(`{"resourceType":"Patient","id":%q,"active":true,"identifier":[{"system":%q,"value":%q}],"name":[{"text":"Bench Child"}],"birthDate":%q,"address":[{"city":"Bench"}]}`, c.id, citizenIDs, c.citizenID, c.birth.Format(time.DateOnly))
}

// fresh runs a workload on a server of its own without other data, or on Target.
func (s *session) fresh(name string, run func(*session) error) error {
	own := *s
	own.dir = filepath.Join(s.dir, name)
	own.server, own.base = nil, strings.TrimSuffix(s.Target, "/")
	if s.Target == "" {
		if err := os.MkdirAll(own.dir, 0o700); err != nil {
			return err
		}
		p, err := startServer(s.ctx, own.dir)
		if err != nil {
			return err
		}
		own.server, own.base = p, p.base
		defer own.end()
	}
	return run(&own)
}

// processorTime begins to count what the server uses; the function that it gives reports it for a load. On a machine that
// is shared it says more than the rate.
func (s *session) processorTime(workload, how string) func(Result) {
	if s.server == nil {
		return func(Result) {}
	}
	_, _, before := s.server.usage()
	return func(res Result) {
		_, _, after := s.server.usage()
		s.report.add(Row{Workload: workload, Figure: "server processor time a request" + how, Value: (after - before) / float64(res.Requests) * 1e6, Unit: "µs"})
	}
}

// asksEach is how often in a second a clinic asks, of those whose latencies have the limit.
const asksEach = 10

// clinics measures latencies while so many clinics as there are clients ask at their own pace, or at the rate asked for. At half of
// full speed this machine, which bears the load too, is as busy as it can be: that is told as well, without a limit.
func (s *session) clinics(workload, what string, fast Result, next func(client, i int) *Request, p99 float64) Result {
	if s.Rate > 0 {
		return s.atRate(workload, what, fast, next, 0, p99)
	}
	own := *s
	own.Rate = clients * asksEach
	used := s.processorTime(workload, " at that pace")
	used(own.atRate(workload, what, fast, next, 0, p99))
	return s.atRate(workload, what, fast, next, 0, 0)
}

// atRate measures latencies at the rate asked for, else at half of what fast reached: a closed loop of many clients waits on
// itself. The limits are of the median and of p99, 0 = none.
func (s *session) atRate(workload, what string, fast Result, next func(client, i int) *Request, p50, p99 float64) Result {
	rate, how := s.Rate, fmt.Sprintf("at %d requests/s", s.Rate)
	if rate == 0 {
		rate, how = max(1, int(fast.PerSecond()/2)), "at half that rate"
	}
	res := Load{Clients: clients, Duration: s.Duration, Rate: rate, Next: next}.Run(s.ctx, s.base)
	if p50 > 0 {
		s.report.add(Row{Workload: workload, Figure: what + ", p50 " + how, Value: res.Quantile(50), Unit: "ms", Limit: p50, AtMost: true})
	}
	s.report.add(Row{Workload: workload, Figure: what + ", p99 " + how, Value: res.Quantile(99), Unit: "ms", Limit: p99, AtMost: true,
		Note: fmt.Sprintf("p50 %.2f p95 %.2f p99.9 %.2f ms; %d requests/s offered, %.0f answered; errors: %s", res.Quantile(50), res.Quantile(95), res.Quantile(99.9), rate, res.PerSecond(), res.ErrorText())})
	return res
}

// forecast measures stateless forecasts of children with all doses of their first two years.
func (s *session) forecast() error {
	return s.fresh("forecast", func(s *session) error {
		bodies := make([][]byte, 100)
		for n := range bodies {
			c := child(n)
			var b bytes.Buffer
			fmt.Fprintf(&b, `{"resourceType":"Parameters","parameter":[{"name":"assessmentDate","valueDate":"2026-01-15"},{"name":"patient","resource":%s}`, c.patient())
			for _, d := range c.doses {
				fmt.Fprintf(&b, `,{"name":"immunization","resource":%s}`, d)
			}
			b.WriteString("]}")
			bodies[n] = b.Bytes()
		}
		used := s.processorTime("forecast", "")
		res := Load{Clients: clients, Duration: s.Duration, Next: func(client, i int) *Request {
			return &Request{Method: http.MethodPost, Path: "$immds-forecast", Body: bodies[(client*31+i)%len(bodies)]}
		}}.Run(s.ctx, s.base)
		s.report.load("forecast", fmt.Sprintf("stateless forecasts, %d doses each, %d clients", len(child(0).doses), clients), res, 2000)
		used(res)
		return nil
	})
}

// childrenPerCopy times Options.Copies is how many children the summary is measured with, unless Options.Children says it.
const childrenPerCopy = 200

// longestCounting is how long the registry may count what was loaded before anything is measured.
const longestCounting = 20 * time.Minute

// children loads invented children, a hundred thousand doses at a time, and gives how many there are of both.
func (s *session) children(workload string) (count, doses int, err error) {
	if count = s.Children; count == 0 {
		count = childrenPerCopy * s.Copies
	}
	began := time.Now()
	const part = 4000 // children: a million doses do not fit into memory at once
	for start := 0; start < count; start += part {
		var load []bundle
		for from := start; from < min(start+part, count); from += 50 {
			var b bytes.Buffer
			b.WriteString(`{"resourceType":"Bundle","type":"transaction","entry":[`)
			entries := 0
			put := func(key, body string) {
				if entries > 0 {
					b.WriteByte(',')
				}
				entries++
				fmt.Fprintf(&b, `{"resource":%s,"request":{"method":"PUT","url":%q}}`, body, key)
			}
			for n := from; n < min(from+50, start+part, count); n++ {
				c := child(n)
				put("Patient/"+c.id, c.patient())
				for _, d := range c.doses {
					put("Immunization/"+strings.SplitN(d, `"`, 9)[7], d)
					doses++
				}
			}
			b.WriteString("]}")
			load = append(load, bundle{name: fmt.Sprint("children from ", from), raw: b.Bytes(), entries: entries})
		}
		if res := postAs(s.ctx, s.base, s.header, s.Senders, load); len(res.Errors) > 0 {
			return count, doses, fmt.Errorf("loading children: %s", res.ErrorText())
		}
	}
	took := time.Since(began).Seconds()
	s.report.add(Row{Workload: workload, Figure: "loading the children", Value: float64(doses+count) / took, Unit: "resources/s",
		Note: fmt.Sprintf("%d doses of %d children in %.0f s", doses, count, took)})
	return count, doses, nil
}

// summary measures the summary by citizen ID: as fast as it goes, then at the clinics' pace and at half of that rate for the
// latencies.
func (s *session) summary() error {
	return s.fresh("summary", func(s *session) error {
		count, doses, err := s.children("summary")
		if err != nil {
			return err
		}
		s.settle(longestCounting)
		next := func(client, i int) *Request {
			id := citizenID((client*31 + i) % count)
			return &Request{Method: http.MethodGet, Path: "Patient/$immunization-summary?identifier=" + url.QueryEscape(citizenIDs+"|"+id)}
		}
		what := fmt.Sprintf("summaries by citizen ID, %d doses loaded, %d clients", doses, clients)
		used := s.processorTime("summary", "")
		fast := Load{Clients: clients, Duration: s.Duration, Next: next}.Run(s.ctx, s.base)
		s.report.load("summary", what+", as fast as it goes", fast, 0)
		used(fast)
		s.clinics("summary", what, fast, next, 10)
		return nil
	})
}
