package bench

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server under test, our own child.
type process struct {
	cmd   *exec.Cmd
	base  string        // FHIR base URL
	ready time.Duration // from start to the first answer
	log   string        // file with its output
}

// startServer runs "lienthong serve" on a data folder and waits for its first answer.
func startServer(ctx context.Context, data string, more ...string) (*process, error) {
	return start(ctx, data, append([]string{"serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", filepath.Join(data, "store")}, more...)...)
}

// start runs a subcommand that understands --info and waits until it answers.
func start(ctx context.Context, dir string, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	info := filepath.Join(dir, "info.json")
	if err := os.Remove(info); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	p := &process{cmd: exec.Command(self, append(args, "--info", info)...), log: filepath.Join(dir, "server.log")}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p.cmd.Stdout, p.cmd.Stderr = out, out
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return nil, fmt.Errorf("the server ended before it answered (%v); see %s", err, p.log)
		case <-ctx.Done():
			p.kill()
			return nil, ctx.Err()
		case <-tick.C:
		}
		if p.base == "" {
			raw, err := os.ReadFile(info)
			if err != nil {
				continue
			}
			var where struct {
				FHIR    string `json:"fhir"`
				Gateway string `json:"gateway"`
			}
			if json.Unmarshal(raw, &where) != nil || where.FHIR+where.Gateway == "" {
				continue
			}
			p.base = strings.TrimSuffix(cmp.Or(where.FHIR, where.Gateway), "/")
		}
		resp, err := http.Get(p.base + "/Patient/none")
		if err != nil {
			continue
		}
		resp.Body.Close()
		p.ready = time.Since(began)
		return p, nil
	}
}

// stop ends the server as an operator would and waits for it.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	for range 3000 { // 30 s: a clean stop flushes what is in memory
		if p.cmd.Process.Signal(syscall.Signal(0)) != nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.kill()
	return errors.New("the server did not stop within 30 s")
}

// kill ends the server at once, as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	for p.cmd.Process.Signal(syscall.Signal(0)) == nil {
		time.Sleep(5 * time.Millisecond)
	}
}

// usage gives resident memory now, at its highest, and processor seconds so far; zeros where /proc does not tell.
func (p *process) usage() (resident, peak int64, cpu float64) {
	dir := fmt.Sprintf("/proc/%d", p.cmd.Process.Pid)
	if f, err := os.Open(dir + "/status"); err == nil {
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			fields := strings.Fields(s.Text())
			if len(fields) < 2 {
				continue
			}
			kb, _ := strconv.ParseInt(fields[1], 10, 64)
			switch fields[0] {
			case "VmRSS:":
				resident = kb << 10
			case "VmHWM:":
				peak = kb << 10
			}
		}
	}
	if raw, err := os.ReadFile(dir + "/stat"); err == nil {
		_, rest, _ := strings.Cut(string(raw), ") ")
		if f := strings.Fields(rest); len(f) > 13 {
			user, _ := strconv.ParseFloat(f[11], 64)
			system, _ := strconv.ParseFloat(f[12], 64)
			cpu = (user + system) / 100 // USER_HZ is 100 on Linux
		}
	}
	return resident, peak, cpu
}

// resting is how long a server may usually take to end its work in the background.
const resting = time.Minute

// settle waits until the server has ended its work in the background (compactions and counting after a load), at most so long.
func (p *process) settle(longest time.Duration) {
	const step = 500 * time.Millisecond
	_, _, before := p.usage()
	for idle, waited := 0, time.Duration(0); idle < 4 && waited < longest; waited += step {
		time.Sleep(step)
		_, _, now := p.usage()
		if now-before > 0.025 { // 5 % of a core
			idle = 0
		} else {
			idle++
		}
		before = now
	}
}

// diskBytes adds up the files below dir.
func diskBytes(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}
