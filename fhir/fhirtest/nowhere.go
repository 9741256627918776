package fhirtest

import (
	"net"
	"testing"
)

// Nowhere is an address, host and port, at which connections are refused until the test is over. It is a port that a
// connection of ours goes out by: nobody listens there, and nobody else can be given it, as one that was closed could be.
func Nowhere(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	other, err := l.Accept() // kept open: a connection that one side has closed may be forgotten by the system
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _, _ = c.Close(), other.Close() })
	return c.LocalAddr().String()
}
