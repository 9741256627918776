package fhir

import "time"

// Instant is a point in time in milliseconds since 1970-01-01T00:00:00Z, the precision of meta.lastUpdated.
type Instant int64

// InstantOf truncates t to the millisecond.
func InstantOf(t time.Time) Instant { return Instant(t.UnixMilli()) }

// Time gives the instant in UTC.
func (i Instant) Time() time.Time { return time.UnixMilli(int64(i)).UTC() }

// AppendFormat appends the instant as FHIR prints it: always UTC, always three decimals, so that text sorts as time.
func (i Instant) AppendFormat(b []byte) []byte {
	return i.Time().AppendFormat(b, "2006-01-02T15:04:05.000Z")
}

// String gives the instant as FHIR prints it, such as 2026-03-01T08:00:00.000Z.
func (i Instant) String() string { return string(i.AppendFormat(nil)) }
