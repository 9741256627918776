package cron

import (
	"strings"
	"time"
	_ "time/tzdata" // zones must be found on machines without a zone database, such as small containers

	"github.com/robfig/cron/v3"

	"github.com/lienthong/lienthong/fhir"
)

// DefaultZone is the zone of schedules that name none.
const DefaultZone = "Asia/Ho_Chi_Minh"

// leastEvery is the shortest distance of "@every": slots are whole seconds.
const leastEvery = time.Second

// Schedule is an expression in a zone. It is immutable and safe for concurrent use.
type Schedule struct {
	expression string
	zone       *time.Location
	spec       cron.Schedule
}

var parser = cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// Parse reads an expression of five fields, or six with seconds first, or a descriptor; zone "" is DefaultZone.
// Errors have Kind Invalid and code "schedule-invalid" or "zone-unknown".
func Parse(expression, zone string) (*Schedule, error) {
	if zone == "" {
		zone = DefaultZone
	}
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		return nil, fhir.Wrap(fhir.Invalid, "zone-unknown", err, zone)
	}
	text := strings.TrimSpace(expression)
	if strings.HasPrefix(text, "TZ=") || strings.HasPrefix(text, "CRON_TZ=") {
		return nil, fhir.Errorf(fhir.Invalid, "schedule-invalid", "", expression)
	}
	if d, ok := strings.CutPrefix(text, "@every "); ok {
		distance, err := time.ParseDuration(strings.TrimSpace(d))
		if err != nil || distance < leastEvery || distance%time.Second != 0 {
			return nil, fhir.Wrap(fhir.Invalid, "schedule-invalid", err, expression)
		}
		return &Schedule{expression: text, zone: loc, spec: every(distance)}, nil
	}
	spec, err := parser.Parse(text)
	if err != nil {
		return nil, fhir.Wrap(fhir.Invalid, "schedule-invalid", err, expression)
	}
	// The parser leaves the zone to the caller by marking it as local; the zone must not depend on the machine.
	if s, ok := spec.(*cron.SpecSchedule); ok {
		s.Location = loc
	}
	return &Schedule{expression: text, zone: loc, spec: spec}, nil
}

// String gives the expression.
func (s *Schedule) String() string { return s.expression }

// Zone gives the zone that the expression is read in.
func (s *Schedule) Zone() *time.Location { return s.zone }

// Next gives the first slot after t, in the schedule's zone; zero if there is none within five years.
func (s *Schedule) Next(t time.Time) time.Time {
	n := s.spec.Next(t.In(s.zone))
	if n.IsZero() {
		return n
	}
	return n.In(s.zone)
}

// Between gives the slots with after < slot <= to, oldest first, at most limit of them.
func (s *Schedule) Between(after, to time.Time, limit int) []time.Time {
	var slots []time.Time
	for t := s.Next(after); len(slots) < limit && !t.IsZero() && !t.After(to); t = s.Next(t) {
		slots = append(slots, t)
	}
	return slots
}

// Latest gives the newest slot with after < slot <= to. It looks back in windows that double, so that a server that was
// down for a year pays for the distance of two slots and not for each slot of that year.
func (s *Schedule) Latest(after, to time.Time) (slot time.Time, ok bool) {
	for window := time.Minute; ; window *= 2 {
		from := to.Add(-window)
		if from.Before(after) {
			from = after
		}
		for t := s.Next(from); !t.IsZero() && !t.After(to); t = s.Next(t) {
			slot, ok = t, true
		}
		if ok || !from.After(after) {
			return slot, ok
		}
	}
}

// every is a schedule of multiples of a duration since the Unix epoch.
type every time.Duration

// Next implements cron.Schedule.
func (e every) Next(t time.Time) time.Time {
	step := int64(time.Duration(e) / time.Second)
	n := (t.Unix()/step + 1) * step
	if t.Unix() < 0 && t.Unix()%step != 0 {
		n -= step
	}
	return time.Unix(n, 0).In(t.Location())
}
