package ferretdbtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Modfile is the environment variable with a go.mod to build the program by: one with a driver that knows old servers.
const Modfile = "LIENTHONG_TEST_MODFILE"

var built bool // a test needed the program

// program builds the program once.
var program = sync.OnceValues(func() (string, error) {
	built = true
	dir, err := os.MkdirTemp("", "lienthong-servers-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "lienthong")
	cmd := exec.Command("go", "build", "-o", file, "./cmd/lienthong")
	cmd.Dir = filepath.Join("..", "..", "..", "..", "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if mod := os.Getenv(Modfile); mod != "" {
		cmd.Env = append(cmd.Env, "GOFLAGS=-mod=mod -modfile="+mod)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the server: %w\n%s", err, out)
	}
	return file, nil
})

// removeProgram is called when all tests have run.
func removeProgram() {
	if built {
		if file, err := program(); err == nil {
			_ = os.RemoveAll(filepath.Dir(file))
		}
	}
}

// process is a server of the program.
type process struct {
	dir  string
	args []string

	mu      sync.Mutex // guards what follows
	cmd     *exec.Cmd
	base    string
	gateway string // of a demo
	figures string // for Prometheus
	log     said
}

// said is what a process says, to be read while it runs.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// newProcess starts a server with a folder of its own on a log.
func newProcess(t *testing.T, s Server, more ...string) *process {
	t.Helper()
	p := &process{dir: t.TempDir()}
	p.args = append([]string{"serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--log", s.URI, "--log-level", "warn"}, more...)
	if !slices.Contains(more, "--data") {
		p.args = append(p.args, "--data", filepath.Join(p.dir, "store"))
	}
	if s.Single {
		p.args = append(p.args, "--log-single")
	}
	p.start(t)
	t.Cleanup(p.kill)
	return p
}

// start starts the server, or starts it again, and returns when it serves.
func (p *process) start(t *testing.T) {
	t.Helper()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	info := filepath.Join(p.dir, "info.json")
	_ = os.Remove(info)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd = exec.Command(file, append(p.args, "--info", info)...)
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var told struct {
		FHIR    string `json:"fhir"`
		Gateway string `json:"gateway"`
		Metrics string `json:"metrics"`
	}
	for began := time.Now(); ; {
		raw, err := os.ReadFile(info)
		if err == nil && json.Unmarshal(raw, &told) == nil {
			break
		}
		if time.Since(began) > 90*time.Second {
			t.Fatalf("the server does not serve:\n%s", p.log.String())
		}
		<-time.After(10 * time.Millisecond)
	}
	p.base, p.gateway, p.figures = told.FHIR, told.Gateway, told.Metrics
}

func (p *process) url() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.base
}

// end asks the server to end, and waits for that.
func (p *process) end(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait() // one that could not go on ends with an error
	p.cmd = nil
}

// kill ends the server without a word.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.cmd = nil
}

var client = &http.Client{Timeout: 20 * time.Second}

// exchange does one request; err: there is no answer.
func exchange(method, url, body string, header ...string) (status int, answer []byte, headers http.Header, err error) {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/fhir+json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := client.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer a.Body.Close()
	answer, err = io.ReadAll(a.Body)
	return a.StatusCode, answer, a.Header, err
}
