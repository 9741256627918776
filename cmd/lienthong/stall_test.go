package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// pipes are connections that a server takes without a network, so that its deadlines are those of the test's own clock.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error { return nil }

func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p <- theirs
	return ours
}

func TestBodyThatStallsIsGivenUpAndALongAnswerIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const stall = time.Minute
		failed := make(chan error, 1)
		server := &http.Server{Handler: bodyDeadlines(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			if err != nil {
				failed <- err
				return
			}
			_, _ = r.Body.Read(make([]byte, 1)) // as many readers do, who look whether that was all
			select {
			case <-r.Context().Done(): // would be seen if the deadline outlived the body
				w.WriteHeader(http.StatusTeapot)
			case <-time.After(3 * stall):
			}
		}), stall, time.Hour)}
		line, ended := make(pipes), make(chan error, 1)
		go func() { ended <- server.Serve(line) }()

		half := line.dial()
		began := time.Now()
		fmt.Fprint(half, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
		select {
		case <-failed:
		case <-time.After(time.Hour):
			t.Fatal("half a body is waited for without end")
		}
		if took := time.Since(began); took != stall {
			t.Errorf("half a body was given up after %s", took)
		}
		_ = half.Close()

		whole := line.dial()
		fmt.Fprint(whole, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
		resp, err := http.ReadResponse(bufio.NewReader(whole), nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("a long answer to a whole body: %v, %v", resp, err)
		}
		_ = whole.Close()
		close(line)
		if err := <-ended; err != net.ErrClosed {
			t.Error(err)
		}
	})
}
