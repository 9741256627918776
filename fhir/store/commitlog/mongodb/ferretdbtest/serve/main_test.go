package main

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// asCommand is the environment variable that makes the test program the command.
const asCommand = "LIENTHONG_TEST_SERVE_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestSignalLeavesNoFiles: whoever ends serve by a signal finds neither its folder nor the command.
func TestSignalLeavesNoFiles(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) {
			dir := t.TempDir()
			cmd := exec.Command(os.Args[0], "--", "sh", "-c", `echo $$; exec sleep 600`)
			cmd.Dir, cmd.Stderr = "..", os.Stderr
			cmd.Env = append(os.Environ(), asCommand+"=yes", "TMPDIR="+dir)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			said, err := bufio.NewReader(out).ReadString('\n') // the command runs
			if err != nil {
				t.Fatal(err)
			}
			commanded, err := strconv.Atoi(strings.TrimSpace(said))
			if err != nil {
				t.Fatal(err)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
				t.Fatalf("while it serves there is %v, %v", left, err)
			}
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err == nil {
				t.Error("it ended as if the command had")
			}
			if syscall.Kill(commanded, syscall.SIGKILL) == nil {
				t.Error("the command went on")
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
				t.Errorf("it left %v, %v", left, err)
			}
		})
	}
}
