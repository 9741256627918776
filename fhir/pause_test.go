package fhir

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if !Pause(t.Context(), time.Hour) || time.Since(began) != time.Hour {
			t.Error("it did not wait for an hour:", time.Since(began))
		}
		if !Pause(t.Context(), -time.Hour) || time.Since(began) != time.Hour {
			t.Error("it waited for what is over")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if Pause(ctx, time.Hour) || time.Since(began) != time.Hour+time.Minute {
			t.Error("it waited beyond the end of its context:", time.Since(began))
		}
	})
}
