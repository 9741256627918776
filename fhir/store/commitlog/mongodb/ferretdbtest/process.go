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

// newProcess starts a server on a log, with a folder of its own unless more has --data.
func newProcess(t *testing.T, s Server, more ...string) *process {
	t.Helper()
	dir := t.TempDir()
	if !slices.Contains(more, "--data") {
		more = append([]string{"--data", filepath.Join(dir, "store")}, more...)
	}
	return started(t, dir, append(serving(onLog(s, "--log")...), more...)...)
}

// alone starts a server on a folder that has its log in it.
func alone(t *testing.T, data string, more ...string) *process {
	t.Helper()
	return started(t, t.TempDir(), append(serving("--data", data), more...)...)
}

// newDemo starts a demo of few citizens; its folder is demo, within that of the process.
func newDemo(t *testing.T, more ...string) *process {
	t.Helper()
	dir := t.TempDir()
	return started(t, dir, append([]string{"demo", "--listen", "127.0.0.1:0", "--gateway-listen", "127.0.0.1:0", "--data", filepath.Join(dir, "demo"),
		"--citizens", "20", "--log-level", "warn"}, more...)...)
}

// serving gives the arguments of a server that asks nobody who they are, and more.
func serving(more ...string) []string {
	return append([]string{"serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--log-level", "warn"}, more...)
}

// onLog gives the arguments that name a log, by the flag of that.
func onLog(s Server, flag string) []string {
	if s.Single {
		return []string{flag, s.URI, "--log-single"}
	}
	return []string{flag, s.URI}
}

// started starts the program, and kills it when the test ends.
func started(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := &process{dir: dir, args: args}
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

// put writes a Basic with a text; err: there is no answer.
func (p *process) put(id, text string, header ...string) (status int, answer []byte, err error) {
	status, answer, _, err = exchange(http.MethodPut, p.url()+"/Basic/"+id, fmt.Sprintf(`{"resourceType":"Basic","id":%q,"code":{"text":%q}}`, id, text), header...)
	return status, answer, err
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
