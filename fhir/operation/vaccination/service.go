package vaccination

import (
	"time"

	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/interaction"
)

// Service performs the operations. It has no state and is safe for concurrent use.
type Service struct {
	interactions *interaction.Service
	schedules    *immunization.Set
	now          func() time.Time
	systems      identity.Systems
}

// Config is what a Service is made of; only Interactions is required.
type Config struct {
	Interactions *interaction.Service
	Schedules    *immunization.Set // nil = the national one
	Now          func() time.Time  // nil = time.Now
	Systems      identity.Systems  // whose citizen IDs an identifier without a system is
}

// New makes a Service.
func New(c Config) *Service {
	s := &Service{interactions: c.Interactions, schedules: c.Schedules, now: c.Now, systems: c.Systems}
	if s.schedules == nil {
		s.schedules = immunization.Standard()
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// today is the assessment date where none is given: the day in Vietnam.
func (s *Service) today() time.Time { return immunization.LocalDay(s.now()) }
