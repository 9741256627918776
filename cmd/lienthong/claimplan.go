package main

import (
	"cmp"
	"context"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/scheduler"
)

// checkIns is the hook that queues check-ins, where they are sent.
func (n *node) checkIns(c config.Server, systems mapping.Systems) interaction.Hook {
	if !c.Gateway.CheckIns {
		return func(context.Context, interaction.Write) (interaction.Additions, error) {
			return interaction.Additions{}, nil
		}
	}
	return bhxh.CheckIns{Store: n.store, Systems: systems, Sender: n.senderToHold, Now: time.Now}.Hook
}

// planned puts the plan of --gateway-plan and the limits of the portal into the settings of the jobs.
func planned(c *bhxh.Config, g config.Gateway) error {
	p, err := config.ReadPlan(g.Plan)
	if err != nil {
		return err
	}
	all, err := scheduler.ParsePolicy(p.CatchUp)
	if err != nil {
		return err
	}
	c.Schedule, c.Zone, c.CatchUp, c.Jitter = cmp.Or(p.Schedule, c.Schedule), p.Zone, all, p.Jitter
	c.Concurrency, c.PerSecond = p.Concurrency, cmp.Or(p.Rate, c.PerSecond)
	c.CheckIns = g.CheckIns
	c.AtOnce, c.Breaker = g.AtOnce, bhxh.Breaker{Failures: g.BreakerFailures, Rest: g.BreakerRest}
	c.Plans = map[string]bhxh.Plan{}
	for facility, h := range p.Hospitals {
		catchUp, err := scheduler.ParsePolicy(cmp.Or(h.CatchUp, p.CatchUp))
		if err != nil {
			return err
		}
		c.Plans[facility] = bhxh.Plan{Schedule: cmp.Or(h.Schedule, c.Schedule), Zone: cmp.Or(h.Zone, p.Zone), CatchUp: catchUp,
			Jitter: cmp.Or(h.Jitter, p.Jitter), Concurrency: h.Concurrency, PerSecond: h.Rate}
	}
	return nil
}
