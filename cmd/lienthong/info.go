package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// info tells scripts where things are. Fields that a command has no answer to are left out.
type info struct {
	FHIR            string `json:"fhir,omitempty"`
	Gateway         string `json:"gateway,omitempty"`
	CitizenIDSystem string `json:"citizenIdSystem,omitempty"`
	CitizenID       string `json:"citizenId,omitempty"` // a seeded child with vaccinations
	Patient         string `json:"patient,omitempty"`   // "Patient/…" of that child
	Claim           string `json:"claim,omitempty"`     // "Claim/…" of a seeded claim
	Data            string `json:"data,omitempty"`      // folder of the store
	Metrics         string `json:"metrics,omitempty"`   // URL of the figures for Prometheus
	PID             int    `json:"pid"`
}

// write puts the file in place whole: a reader sees all of it or nothing.
func (i info) write(path string) error {
	i.PID = os.Getpid()
	raw, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".info-*")
	if err != nil {
		return fmt.Errorf("--info: %w", err)
	}
	_, err = temp.Write(append(raw, '\n'))
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
		return fmt.Errorf("--info: %w", err)
	}
	return nil
}
