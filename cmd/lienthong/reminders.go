package main

import (
	"log/slog"

	"github.com/lienthong/lienthong/adapters/reminder"
	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/scheduler"
)

// remind makes the runner of reminders; nil if there is nothing to send them by.
func (n *node) remind(c config.Reminders, schedules *immunization.Set, log *slog.Logger) (*scheduler.Runner, error) {
	senders, err := c.Senders()
	if err != nil || len(senders) == 0 {
		return nil, err
	}
	r := reminder.New(reminder.Config{
		Store: n.store, Interactions: n.service, Registry: n.registry, Policies: n.policies, Schedules: schedules,
		Senders: senders, OptOut: c.Consent == "opt-out", Schedule: c.Schedule, Log: log,
	})
	return scheduler.New(scheduler.Config{Store: n.store, Log: log}, r.Job())
}
