package config

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir/setting"
	"github.com/lienthong/lienthong/scheduler"
	"github.com/lienthong/lienthong/scheduler/cron"
)

// Plan is the file of --gateway-plan: when and how fast the claims of which hospital are sent.
type Plan struct {
	HospitalPlan `yaml:",inline"` // of all that have no plan of their own; what is left out is that of the flags

	Hospitals map[string]HospitalPlan `yaml:"hospitals"` // by MA_CSKCB; what is left out is that of all

	Deadlines Deadlines `yaml:"deadlines"`
	Holidays  []string  `yaml:"holidays"` // days, yyyy-mm-dd, that are not worked, besides those that are built in
	Workdays  []string  `yaml:"workdays"` // days that are worked: of the weekend, or built in as holidays
}

// Deadlines are the times of the contract, after which an event and a mark tell that something is overdue; what is left out is as
// the contract has it, and what is below 0 is not watched.
type Deadlines struct {
	Sending     time.Duration `yaml:"sending"`      // a facility sends daily: 24h
	Reply       time.Duration `yaml:"reply"`        // on the state: 6h
	FieldErrors time.Duration `yaml:"field-errors"` // 24h
	Totals      time.Duration `yaml:"totals"`       // 48h
	Dispute     int           `yaml:"dispute-days"` // working days: 7
}

// Clocks gives the deadlines as the outbox takes them.
func (p Plan) Clocks() (delivery.Deadlines, error) {
	var lines strings.Builder
	for _, day := range p.Holidays {
		fmt.Fprintln(&lines, day)
	}
	for _, day := range p.Workdays {
		fmt.Fprintln(&lines, "+"+day)
	}
	calendar, err := delivery.DefaultCalendar().With(lines.String())
	if err != nil {
		return delivery.Deadlines{}, fmt.Errorf("holidays and workdays must be days such as 2026-04-30: %w", err)
	}
	d := p.Deadlines
	return delivery.Deadlines{Sending: d.Sending, Reply: d.Reply, Fields: d.FieldErrors, Totals: d.Totals, Dispute: d.Dispute, Calendar: calendar}, nil
}

// HospitalPlan is the plan of one hospital.
type HospitalPlan struct {
	Schedule    string        `yaml:"schedule"`    // five fields, or '@every 10s'
	Zone        string        `yaml:"zone"`        // of the schedule; Asia/Ho_Chi_Minh if none is named
	CatchUp     string        `yaml:"catch-up"`    // latest, skip or all
	Jitter      time.Duration `yaml:"jitter"`      // a slot begins up to so much later
	Concurrency int           `yaml:"concurrency"` // files under way at once
	Rate        float64       `yaml:"rate"`        // files in a second
}

// maxJitter keeps a slot within the day that it is meant for.
const maxJitter = 12 * time.Hour

var facility = regexp.MustCompile(`^[0-9A-Za-z]{5}$`)

// ReadPlan reads the file of --gateway-plan; "" gives an empty plan.
func ReadPlan(file string) (Plan, error) {
	var p Plan
	if file == "" {
		return p, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return p, fmt.Errorf("plan of the gateway: %w", err)
	}
	if err := setting.ParseYAML(raw, &p); err != nil {
		return p, fmt.Errorf("plan of the gateway: %s: %w", file, err)
	}
	if err := p.check(); err != nil {
		return p, fmt.Errorf("plan of the gateway: %s: %w", file, err)
	}
	if _, err := p.Clocks(); err != nil {
		return p, fmt.Errorf("plan of the gateway: %s: %w", file, err)
	}
	for name, h := range p.Hospitals {
		if !facility.MatchString(name) {
			return p, fmt.Errorf("plan of the gateway: %s: %q is no MA_CSKCB of five characters (put it in quotes)", file, name)
		}
		if err := h.check(); err != nil {
			return p, fmt.Errorf("plan of the gateway: %s: hospital %s: %w", file, name, err)
		}
	}
	return p, nil
}

func (h HospitalPlan) check() error {
	schedule := h.Schedule
	if schedule == "" {
		schedule = "@daily"
	}
	if _, err := cron.Parse(schedule, h.Zone); err != nil {
		return fmt.Errorf("schedule %q in zone %q cannot be read", h.Schedule, h.Zone)
	}
	if _, err := scheduler.ParsePolicy(h.CatchUp); err != nil {
		return fmt.Errorf("there is no catch-up %q: latest, skip or all", h.CatchUp)
	}
	if h.Jitter < 0 || h.Jitter > maxJitter {
		return fmt.Errorf("jitter %s is not between 0 and %s", h.Jitter, maxJitter)
	}
	if h.Concurrency < 0 || h.Rate < 0 {
		return fmt.Errorf("concurrency and rate must not be negative")
	}
	return nil
}
