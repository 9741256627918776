package mongodb

import (
	"errors"
	"fmt"
	"net"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/lienthong/lienthong/fhir/store/commitlog"
)

// outcome is what an error says about the insert that it ended.
type outcome uint8

const (
	unknown outcome = iota // it may have been carried out
	unsent                 // no byte of it left the house: it may be tried again
	refused                // the server said no: no rights, no space, too large
)

func outcomeOf(err error) outcome {
	var selection topology.ServerSelectionError
	var queue topology.WaitQueueTimeoutError
	var dial *net.OpError
	if errors.As(err, &selection) || errors.As(err, &queue) || errors.Is(err, driver.ErrDeadlineWouldBeExceeded) ||
		errors.As(err, &dial) && dial.Op == "dial" {
		return unsent
	}
	var command mongo.CommandError
	if errors.As(err, &command) {
		for _, label := range []string{"NetworkError", "RetryableWriteError", "NoWritesPerformed"} {
			if command.HasErrorLabel(label) {
				return unknown
			}
		}
		if command.Code != 0 && !mongo.IsTimeout(err) {
			return refused
		}
		return unknown
	}
	var write mongo.WriteException
	if errors.As(err, &write) && write.WriteConcernError == nil && len(write.WriteErrors) > 0 {
		return refused
	}
	return unknown
}

// refusal says that nothing was written since the server would not.
func refusal(err error) error {
	return fmt.Errorf("%w: %w: %w", commitlog.ErrUnreachable, commitlog.ErrRefused, err)
}

// unreachable says that nothing was written, and why.
func unreachable(err error) error {
	if err == nil || errors.Is(err, commitlog.ErrUnreachable) || errors.Is(err, commitlog.ErrMoved) {
		return err
	}
	return fmt.Errorf("%w: %w", commitlog.ErrUnreachable, err)
}
