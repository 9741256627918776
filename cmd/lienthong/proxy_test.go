package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// TestProxySendsWritesOnce starts nginx, where there is one, with the settings of docker-compose.yml before two servers that are not
// ready: a read is asked of both, a write of one, and its refusal reaches the client.
func TestProxySendsWritesOnce(t *testing.T) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("there is no nginx here to try deploy/proxy.conf with")
	}
	root, err := fhirtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(root, "deploy", "proxy.conf"))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	met := map[string]int{}
	server := func() string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			met[r.Method]++
			w.WriteHeader(http.StatusServiceUnavailable)
		}))
		t.Cleanup(s.Close)
		return strings.TrimPrefix(s.URL, "http://")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := free.Addr().String()
	dir := t.TempDir()
	settings := "pid " + dir + "/pid;\n" + strings.NewReplacer("server-1:8080 max_fails=2", server()+" max_fails=0", "server-2:8080 max_fails=2", server()+" max_fails=0",
		"listen 8080", "listen "+at, "/dev/stdout", dir+"/access").Replace(string(raw))
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(nginx, "-c", file, "-p", dir, "-e", filepath.Join(dir, "errors"), "-g", "daemon off;")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	for began := time.Now(); ; {
		if c, err := net.Dial("tcp", at); err == nil {
			_ = c.Close()
			break
		}
		if time.Since(began) > time.Minute {
			said, _ := os.ReadFile(filepath.Join(dir, "errors"))
			t.Fatalf("nginx does not listen: %s", said)
		}
	}
	for method, servers := range map[string]int{"GET": 2, "HEAD": 2, "POST": 1, "PUT": 1, "PATCH": 1, "DELETE": 1} {
		body := ""
		if strings.HasPrefix(method, "P") {
			body = `{"resourceType":"Basic"}`
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+at+"/fhir/Basic/x?y=z", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		mu.Lock()
		if met[method] != servers || res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s: %d, asked of %d servers, want %d", method, res.StatusCode, met[method], servers)
		}
		mu.Unlock()
	}
}
