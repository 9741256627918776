package ferretdbtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	mongooptions "go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Mongod is the environment variable with the path of mongod: tests then start replica sets of three from it, and harm them.
const Mongod = "LIENTHONG_MONGOD"

// Set is a replica set of three processes on this machine.
type Set struct {
	URI     string // of all members, without a database
	Members []*Member

	dir   string
	watch *exec.Cmd // ends the members if this process ends without Close
	alive io.Closer
}

// Member is one mongod of a Set.
type Member struct {
	Addr string

	program, dir string
	args         []string

	mu      sync.Mutex // guards what follows
	cmd     *exec.Cmd
	ended   chan struct{}
	stopped bool
}

// How long the members of a set are without word of their primary until they elect another one: a set that is harmed should not be
// waited for, one that is not should keep its primary however busy the machine is.
const (
	Harmed   = time.Second
	Unharmed = 10 * time.Second
)

// startsWithin is how long a member, or the set, may take to start on a busy machine.
const startsWithin = 5 * time.Minute

// StartSet starts a set with its files in dir and returns when it has a primary. more are arguments of each mongod.
//
// Each member has a loopback address of its own, so that no other process takes its port while it is down.
func StartSet(program, dir string, elects time.Duration, more ...string) (*Set, error) {
	s := &Set{dir: dir}
	if err := s.guard(); err != nil {
		return nil, err
	}
	var hosts []string
	for i := range 3 {
		m := &Member{program: program, dir: filepath.Join(dir, fmt.Sprint("member-", i)), args: more}
		m.Addr = fmt.Sprintf("127.%d.%d.%d:27017", 1+rand.IntN(250), rand.IntN(250), 1+rand.IntN(250))
		hosts = append(hosts, m.Addr)
		s.Members = append(s.Members, m)
		if err := m.Start(); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	s.URI = "mongodb://" + strings.Join(hosts, ",") + "/"
	if err := s.initiate(elects); err != nil {
		return nil, errors.Join(fmt.Errorf("initiate the replica set: %w\n%s", err, s.Members[0].Log()), s.Close())
	}
	return s, nil
}

// guard starts a shell that ends the members when its input ends, which happens when this process does.
func (s *Set) guard() error {
	s.watch = exec.Command("sh", "-c", `cat >/dev/null; for f in "$0"/member-*/pid; do kill -9 "$(cat "$f")"; done 2>/dev/null`, s.dir)
	s.watch.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // or what ends this process by its group ends the guard too
	in, err := s.watch.StdinPipe()
	if err != nil {
		return err
	}
	s.alive = in
	return s.watch.Start()
}

func (s *Set) initiate(elects time.Duration) error {
	ctx, stop := context.WithTimeout(context.Background(), startsWithin)
	defer stop()
	members := bson.A{}
	for i, m := range s.Members {
		members = append(members, bson.D{{Key: "_id", Value: i}, {Key: "host", Value: m.Addr}})
	}
	config := bson.D{{Key: "_id", Value: "lienthong"}, {Key: "members", Value: members}, {Key: "settings", Value: bson.D{
		{Key: "electionTimeoutMillis", Value: elects.Milliseconds()}, {Key: "heartbeatIntervalMillis", Value: 300}, {Key: "catchUpTimeoutMillis", Value: 2000},
	}}}
	err := s.Members[0].Command(ctx, bson.D{{Key: "replSetInitiate", Value: config}}, nil)
	const alreadyInitialized = 23
	if refused, ok := errors.AsType[mongo.CommandError](err); err != nil && !(ok && refused.Code == alreadyInitialized) {
		return err
	}
	_, err = s.Primary(ctx)
	return err
}

// Primary waits for a primary and gives it.
func (s *Set) Primary(ctx context.Context) (*Member, error) {
	for {
		for _, m := range s.Members {
			var h struct {
				IsMaster bool `bson:"ismaster"`
			}
			one, stop := context.WithTimeout(ctx, time.Second)
			err := m.Command(one, bson.D{{Key: "isMaster", Value: 1}}, &h)
			stop()
			if err == nil && h.IsMaster {
				return m, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("the replica set has no primary: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// StepDown has the primary step down, as an operator does it.
func (s *Set) StepDown(ctx context.Context) error {
	m, err := s.Primary(ctx)
	if err != nil {
		return err
	}
	err = m.Command(ctx, bson.D{{Key: "replSetStepDown", Value: 5}, {Key: "secondaryCatchUpPeriodSecs", Value: 2}, {Key: "force", Value: true}}, nil)
	if refused, ok := errors.AsType[mongo.CommandError](err); ok && !refused.HasErrorLabel("NetworkError") {
		return err
	}
	return nil // old servers cut the connections, and with them the answer
}

// Close ends the members. Their files stay.
func (s *Set) Close() error {
	for _, m := range s.Members {
		m.Kill()
	}
	err := s.alive.Close()
	_ = s.watch.Wait() // nobody is left to be ended
	return err
}

// Command runs a command on the member itself, whatever it is in the set.
func (m *Member) Command(ctx context.Context, command bson.D, answer any) error {
	c, err := mongo.Connect(mongooptions.Client().ApplyURI("mongodb://" + m.Addr + "/?directConnection=true").SetServerSelectionTimeout(5 * time.Second))
	if err != nil {
		return err
	}
	defer func() { _ = c.Disconnect(context.WithoutCancel(ctx)) }()
	r := c.Database("admin").RunCommand(ctx, command)
	if answer == nil {
		return r.Err()
	}
	return r.Decode(answer)
}

// Start starts the member, or starts it again with what it has.
func (m *Member) Start() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := os.MkdirAll(filepath.Join(m.dir, "db"), 0o700); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(m.Addr)
	if err != nil {
		return err
	}
	m.cmd = exec.Command(m.program, append([]string{"--replSet", "lienthong", "--dbpath", filepath.Join(m.dir, "db"), "--bind_ip", host, "--port", port,
		"--logpath", filepath.Join(m.dir, "log"), "--logappend", "--nounixsocket", "--oplogSize", "200", "--wiredTigerCacheSizeGB", "0.25",
		"--setParameter", "enableTestCommands=1", "--setParameter", "diagnosticDataCollectionEnabled=false"}, m.args...)...)
	if err := m.cmd.Start(); err != nil {
		return err
	}
	ended, cmd := make(chan struct{}), m.cmd
	go func() { defer close(ended); _ = cmd.Wait() }()
	m.ended, m.stopped = ended, false
	if err := os.WriteFile(filepath.Join(m.dir, "pid"), fmt.Append(nil, m.cmd.Process.Pid), 0o600); err != nil {
		return err
	}
	for began := time.Now(); ; {
		c, err := net.DialTimeout("tcp", m.Addr, time.Second)
		if err == nil {
			return c.Close()
		}
		select {
		case <-ended:
			return fmt.Errorf("mongod ended:\n%s", m.Log())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Since(began) > startsWithin {
			return fmt.Errorf("mongod does not listen:\n%s", m.Log())
		}
	}
}

// Kill ends the member without a word.
func (m *Member) Kill() { m.signal(syscall.SIGKILL) }

// Halt has it stand still; Continue lets it go on.
func (m *Member) Halt() { m.signal(syscall.SIGSTOP) }

// Continue lets a member go on that stands still.
func (m *Member) Continue() { m.signal(syscall.SIGCONT) }

func (m *Member) signal(s syscall.Signal) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cmd == nil {
		return
	}
	_ = m.cmd.Process.Signal(s)
	if s == syscall.SIGKILL {
		<-m.ended
		m.cmd = nil
		_ = os.Remove(filepath.Join(m.dir, "pid"))
	}
	m.stopped = s == syscall.SIGSTOP
}

// Ready starts what was killed and lets go on what stands still, and waits for a primary.
func (s *Set) Ready(ctx context.Context) error {
	for _, m := range s.Members {
		m.mu.Lock()
		down, stopped := m.cmd == nil, m.stopped
		if !down {
			select {
			case <-m.ended: // by itself
				down = true
			default:
			}
		}
		m.mu.Unlock()
		if stopped {
			m.Continue()
		}
		if down {
			if err := m.Start(); err != nil {
				return err
			}
		}
	}
	_, err := s.Primary(ctx)
	return err
}

// Log gives the end of its log.
func (m *Member) Log() string {
	raw, err := os.ReadFile(filepath.Join(m.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(raw[max(0, len(raw)-4000):])
}

// sharedSet is the set of all tests that do it no harm.
var sharedSet = sync.OnceValues(func() (*Set, error) {
	dir, err := os.MkdirTemp("", "lienthong-set-")
	if err != nil {
		return nil, err
	}
	began := time.Now()
	s, err := StartSet(os.Getenv(Mongod), dir, Unharmed)
	if err == nil {
		slog.Info("a replica set was started", "took", time.Since(began))
	}
	return s, err
})

var setStarted bool // sharedSet was asked for

// EndSet ends the set that tests share; TestMain calls it.
func EndSet() {
	if !setStarted {
		return
	}
	if s, err := sharedSet(); err == nil {
		_ = s.Close()
		_ = os.RemoveAll(s.dir)
	}
}
