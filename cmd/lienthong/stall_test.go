package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestBodyThatStallsIsGivenUpAndALongAnswerIsNot(t *testing.T) {
	const stall = 100 * time.Millisecond
	failed := make(chan error, 1)
	server := httptest.NewServer(bodyDeadlines(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		if err != nil {
			failed <- err
			return
		}
		select {
		case <-r.Context().Done(): // would be seen if the deadline outlived the body
			w.WriteHeader(http.StatusTeapot)
		case <-time.After(3 * stall):
		}
	}), stall, time.Minute))
	defer server.Close()

	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
	select {
	case <-failed:
	case <-time.After(patience):
		t.Fatal("half a body is waited for without end")
	}

	whole, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	fmt.Fprint(whole, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
	resp, err := http.ReadResponse(bufio.NewReader(whole), nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("a long answer to a whole body: %v, %v", resp, err)
	}
}
