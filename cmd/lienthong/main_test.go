package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
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

	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// TestMain lets the test binary stand for the command: a child that finds this variable runs main.
func TestMain(m *testing.M) {
	if os.Getenv("LIENTHONG_TEST_AS_COMMAND") != "" {
		main()
	}
	os.Exit(m.Run())
}

// buffer is what a command writes to while a test reads it.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// here is a command that runs within the test.
type here struct {
	out, err buffer
	cancel   context.CancelFunc
	ended    chan error
}

// overTestLog adds to the arguments of a server the log that tests run over, if it is not the one in the folder.
func overTestLog(t *testing.T, args []string) []string {
	t.Helper()
	at := slices.Index(args, "--data")
	if at < 0 || args[0] != "serve" && args[0] != "demo" || slices.Contains(args, "--log") || slices.Contains(args, "--log-file") {
		return args
	}
	uri, single := enginetest.LogOf(t, args[at+1])
	if uri == "" {
		return args
	}
	args = append(slices.Clone(args), "--log", uri)
	if !slices.Contains(args, "--log-timeout") {
		args = append(args, "--log-timeout", enginetest.LogTimeout.String())
	}
	if single {
		args = append(args, "--log-single")
	}
	return args
}

func startHere(t *testing.T, args ...string) *here {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	h := &here{cancel: cancel, ended: make(chan error, 1)}
	args = append(overTestLog(t, args), "--memory-limit", "0") // the limit is one of the process, which here is the test's
	go func() { h.ended <- run(ctx, args, &h.out, &h.err) }()
	t.Cleanup(func() { // before the folder goes, also where the test has failed
		cancel()
		h.ended <- <-h.ended
	})
	return h
}

// info waits for the file of --info and reads it.
func (h *here) info(t *testing.T, path string) (i info) {
	t.Helper()
	fhirtest.Eventually(t, "the file of --info", func() bool {
		select {
		case err := <-h.ended:
			h.ended <- err
			t.Fatalf("the command ended: %v\n%s\n%s", err, h.out.String(), h.err.String())
		default:
		}
		return readInfo(path, &i)
	})
	return i
}

// stop is Ctrl-C.
func (h *here) stop(t *testing.T) {
	t.Helper()
	h.cancel()
	select {
	case err := <-h.ended:
		h.ended <- err
		if err != nil {
			t.Errorf("the command ended with %v\n%s", err, h.err.String())
		}
	case <-time.After(fhirtest.Patience):
		t.Fatal("the command does not end")
	}
}

func readInfo(path string, i *info) bool {
	raw, err := os.ReadFile(path)
	return err == nil && json.Unmarshal(raw, i) == nil
}

// child is a command in a process of its own.
type child struct {
	cmd   *exec.Cmd
	out   buffer
	ended chan error
	info  info
}

// startChild starts a command that understands --info and waits until it is ready.
func startChild(t *testing.T, args ...string) *child {
	t.Helper()
	path := filepath.Join(t.TempDir(), "info.json")
	c := spawn(t, append(args, "--info", path)...)
	fhirtest.Eventually(t, "the file of --info", func() bool {
		select {
		case err := <-c.ended:
			c.ended <- err
			t.Fatalf("%v ended: %v\n%s", args, err, c.out.String())
		default:
		}
		return readInfo(path, &c.info)
	})
	return c
}

func spawn(t *testing.T, args ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.Command(self, overTestLog(t, args)...), ended: make(chan error, 1)}
	c.cmd.Env = append(os.Environ(), "LIENTHONG_TEST_AS_COMMAND=1")
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.out
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { c.ended <- c.cmd.Wait() }()
	t.Cleanup(c.kill)
	return c
}

// kill is kill -9; it returns when the process is gone.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may have ended already
	err := <-c.ended
	c.ended <- err
}

// stop is SIGTERM, as an operator ends it; it gives the exit code.
func (c *child) stop(t *testing.T) int {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	return c.wait(t)
}

// wait gives the exit code of a process that ends.
func (c *child) wait(t *testing.T) int {
	t.Helper()
	select {
	case err := <-c.ended:
		c.ended <- err
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode()
		}
		if err != nil {
			t.Fatal(err)
		}
		return 0
	case <-time.After(fhirtest.Patience):
		t.Fatalf("the process does not end\n%s", c.out.String())
		return -1
	}
}

// fetch sends a request and reads the answer's JSON.
func fetch(t *testing.T, method, url, body string) (status int, answer map[string]any) {
	t.Helper()
	status, raw, err := exchange(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatalf("%s %s: %d %.300s", method, url, status, raw)
	}
	return status, answer
}

func exchange(method, url, body string) (status int, answer []byte, err error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/fhir+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// total is Bundle.total of a search.
func total(t *testing.T, url string) int {
	t.Helper()
	status, bundle := fetch(t, http.MethodGet, url, "")
	n, ok := bundle["total"].(float64)
	if status != http.StatusOK || !ok {
		t.Fatalf("%s: %d %v", url, status, bundle)
	}
	return int(n)
}

func TestWrongCommandLinesAreRefusedInWords(t *testing.T) {
	settings := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(settings, []byte("lisen: 127.0.0.1:0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"nothing"}, exitUsage, "nothing"},
		{[]string{"serve", "--no-such"}, exitUsage, "--no-such"},
		{[]string{"serve"}, exitUsage, "--data"},
		{[]string{"serve", "--data", "x", "--config", settings}, exitUsage, "lisen"},
		{[]string{"serve", "--data", "x", "--gateway-url", "http://portal"}, exitUsage, "--gateway-credentials"},
		{[]string{"mock-bhxh", "--data", t.TempDir(), "--fault", "nonsense"}, exitUsage, "nonsense"},
		{[]string{"mock-bhxh", "--data", t.TempDir(), "--fault", "html200=often"}, exitUsage, "often"},
		{[]string{"import", "--server", "http://x", "--data", "y", "z.json"}, exitUsage, "exclude"},
		{[]string{"import", "--server", "http://127.0.0.1:9", filepath.Join(t.TempDir(), "none.json")}, exitFailed, "no such file"},
		{[]string{"mock-bhxh", "--data", t.TempDir(), "--fault", "delay"}, exitUsage, "delay=2s"},
		{[]string{"mock-bhxh", "--data", t.TempDir(), "--fault", "linger=soon"}, exitUsage, "linger=2s"},
		{[]string{"import", "--server", "localhost:8080", "z.json"}, exitUsage, "no http or https URL"},
		{[]string{"import", "--no-such"}, exitUsage, "lienthong import --help"},
		{[]string{"serve", "--data", "x", "--gateway-url", "http://portal", "--gateway-credentials", "none"}, exitUsage, "credentials"},
		{[]string{"demo", "--citizens", "0"}, exitUsage, "--citizens"},
		{[]string{"serve", "--insecure-no-authentication", "--data", filepath.Join(t.TempDir(), "s"), "--listen", "nowhere"}, exitFailed, "nowhere"},
		{[]string{"serve", "--insecure-no-authentication", "--data", filepath.Join(t.TempDir(), "s"), "--listen", "127.0.0.1:0", "--policy", settings}, exitFailed, "lisen"},
		{[]string{"policy", "check", settings}, exitFailed, "lisen"},
	} {
		var out, stderr bytes.Buffer
		err := run(t.Context(), c.args, &out, &stderr)
		if err == nil || exitCode(err) != c.code || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: code %d, %v", c.args, exitCode(err), err)
		}
	}
}

func TestHelpAndVersionArePrinted(t *testing.T) {
	for want, args := range map[string][]string{"mock-bhxh": {}, "--listen": {"serve", "--help"}, "lienthong ": {"version"}, "break-glass:": {"policy", "show"}} {
		var out bytes.Buffer
		if err := run(t.Context(), args, &out, io.Discard); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%v: %v\n%s", args, err, out.String())
		}
	}
}

func TestEmptyVariablesAreNoSettings(t *testing.T) {
	for _, name := range []string{"LIENTHONG_TOKEN_FILE", "LIENTHONG_CLIENT_KEY", "LIENTHONG_LOG_TIMEOUT", "LIENTHONG_DATA"} {
		t.Setenv(name, "")
	}
	for want, args := range map[string][]string{"127.0.0.1:9": {"jobs", "--server", "http://127.0.0.1:9/fhir"}, "--data": {"serve"}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "LIENTHONG") {
			t.Errorf("%v: %v", args, err)
		}
	}
}

func TestSettingsComeFromFlagEnvironmentFileDefaultInThisOrder(t *testing.T) {
	dir := t.TempDir()
	settings := filepath.Join(dir, "settings.yaml")
	text := "listen: 127.0.0.1:0\ndata: " + filepath.Join(dir, "file") + "\ninfo: " + filepath.Join(dir, "info.json") + "\n"
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	data := func(args ...string) string {
		_ = os.Remove(filepath.Join(dir, "info.json"))
		h := startHere(t, append([]string{"serve", "--insecure-no-authentication", "--config", settings}, args...)...)
		i := h.info(t, filepath.Join(dir, "info.json"))
		h.stop(t)
		return filepath.Base(i.Data)
	}
	if got := data(); got != "file" {
		t.Errorf("from the file: %s", got)
	}
	t.Setenv("LIENTHONG_DATA", filepath.Join(dir, "environment"))
	if got := data(); got != "environment" {
		t.Errorf("from the environment: %s", got)
	}
	if got := data("--data", filepath.Join(dir, "flag")); got != "flag" {
		t.Errorf("from the flag: %s", got)
	}
}

func TestPortInUseIsAnErrorThatNamesTheAddress(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	address := ln.Addr().String()
	for _, args := range [][]string{
		{"serve", "--insecure-no-authentication", "--listen", address, "--data", t.TempDir()},
		{"demo", "--listen", address},
		{"demo", "--listen", "127.0.0.1:0", "--gateway-listen", address},
		{"mock-bhxh", "--listen", address, "--data", t.TempDir()},
	} {
		err := run(t.Context(), args, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), address+" is in use") || exitCode(err) != exitFailed {
			t.Errorf("%v: %v", args, err)
		}
	}
}

func TestSecondProcessOnAFolderIsToldWhoHoldsIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	first := startChild(t, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", dir)
	for _, args := range [][]string{
		{"serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", dir},
		{"import", "--data", dir, "main_test.go"},
	} {
		second := spawn(t, args...)
		if code := second.wait(t); code != exitFailed || !strings.Contains(second.out.String(), dir) || !strings.Contains(second.out.String(), itoa(first.info.PID)) {
			t.Errorf("%v: code %d\n%s", args, code, second.out.String())
		}
		if strings.Contains(second.out.String(), ".:") || strings.Contains(second.out.String(), "temporarily") {
			t.Errorf("%v: what the system says is no news to who reads\n%s", args, second.out.String())
		}
	}
	if status, _ := fetch(t, http.MethodGet, first.info.FHIR+"/metadata", ""); status != http.StatusOK {
		t.Errorf("the first one answers %d", status)
	}
	if code := first.stop(t); code != 0 {
		t.Errorf("the first one ended with %d\n%s", code, first.out.String())
	}
	if third := startChild(t, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", dir); third.stop(t) != 0 {
		t.Errorf("after the first had ended:\n%s", third.out.String())
	}
}
