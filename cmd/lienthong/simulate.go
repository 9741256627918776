package main

import (
	"github.com/lienthong/lienthong/cmd/lienthong/nation"
)

type simulateCmd struct {
	People   int     `default:"400000" help:"Persons that are simulated; all of them stand for --nation. Default: ${default}."`
	Nation   int     `default:"102000000" help:"Persons of the country. Default: ${default}."`
	Years    int     `default:"10" help:"Years; figures are those of the last. Default: ${default}."`
	Seed     uint64  `default:"1" help:"The same seed gives the same figures. Default: ${default}."`
	Visits   float64 `default:"2.1" help:"Visits of one person in a year. Default: ${default}."`
	Away     float64 `default:"0.12" help:"Share of visits outside the province of residence. Default: ${default}."`
	Moves    float64 `default:"0.0064" help:"Moves of one person to another province in a year. Default: ${default}."`
	Born     float64 `default:"0.09" help:"Share that lives elsewhere than it was born. Default: ${default}."`
	Capacity float64 `default:"12000" help:"Resources a second that one log takes. Default: ${default}."`
	Replay   float64 `default:"15000" help:"Resources a second that a new server reads back. Default: ${default}."`
	Outage   float64 `default:"24" help:"Hours that a province is cut off. Default: ${default}."`
}

// Run simulates a nation partitioned by province (docs/nation.md).
func (c *simulateCmd) Run(s streams) error {
	n := nation.Default()
	n.People, n.Nation, n.Years, n.Seed, n.Visits, n.Away, n.Moves, n.Born = c.People, c.Nation, c.Years, c.Seed, c.Visits, c.Away, c.Moves, c.Born
	n.Capacity, n.Replay, n.Outage = c.Capacity, c.Replay, c.Outage
	results, err := nation.Run(n)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	return nation.Write(s.out, n, results)
}
