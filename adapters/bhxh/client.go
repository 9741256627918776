package bhxh

import "github.com/lienthong/lienthong/adapters/bhxh/gateway"

// Client gives the client that speaks for a facility, nil if no account does.
func (s *Sync) Client(facility string) *gateway.Client { return s.client(facility) }
