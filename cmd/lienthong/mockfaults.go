package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxhmock"
)

// parseFaults turns the flags into the switches of PUT /faults.
func parseFaults(flags []string) (bhxhmock.Faults, error) {
	switches := map[string]map[string]any{}
	for _, flag := range flags {
		name, value, given := strings.Cut(flag, "=")
		f := map[string]any{}
		percent, isPercent := strings.CutSuffix(value, "%")
		switch {
		case name == "delay" || name == "linger" || name == "lag" || name == "trickle":
			if d, err := time.ParseDuration(value); err != nil || d <= 0 {
				return bhxhmock.Faults{}, fmt.Errorf("--fault %s: how long is needed, as in --fault %s=2s", flag, name)
			}
			f["for"] = value
			if name == "linger" {
				name, f["linger"] = "delay", true
			}
		case !given:
		case isPercent:
			p, err := strconv.ParseFloat(percent, 64)
			if err != nil {
				return bhxhmock.Faults{}, fmt.Errorf("--fault %s: %q is no percentage", flag, value)
			}
			f["probability"] = p / 100
		default:
			n, err := strconv.Atoi(value)
			if err != nil {
				return bhxhmock.Faults{}, fmt.Errorf("--fault %s: %q is no number of times", flag, value)
			}
			f["count"] = n
		}
		switches[name] = f
	}
	raw, err := json.Marshal(switches)
	if err != nil {
		return bhxhmock.Faults{}, err
	}
	names := []string{"linger"}
	for _, s := range bhxhmock.Switches {
		names = append(names, s.Name)
	}
	for name := range switches {
		if !slices.Contains(names, name) {
			return bhxhmock.Faults{}, fmt.Errorf("--fault %s: there is no such fault; there are %s", name, strings.Join(names, ", "))
		}
	}
	var faults bhxhmock.Faults
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if err := d.Decode(&faults); err != nil {
		return bhxhmock.Faults{}, fmt.Errorf("--fault: %w", err)
	}
	return faults, nil
}
