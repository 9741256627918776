package mongodb

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/auth"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/description"
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
	if errors.Is(reason(err), commitlog.ErrDenied) {
		return refused // also where it was the handshake of a connection that was denied
	}
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

// Codes of MongoDB's errors, https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
var (
	codesDenied     = []int{13, 18}                          // Unauthorized, AuthenticationFailed
	codesFull       = []int{14031}                           // OutOfDiskSpace
	codesLeaderless = []int{189, 10107, 11602, 13435, 13436} // PrimarySteppedDown, NotWritablePrimary and the like
)

// reason gives which of commitlog's reasons err has; nil if it is none of them.
func reason(err error) error {
	var handshake *auth.Error
	if errors.As(err, &handshake) {
		return commitlog.ErrDenied
	}
	var selection topology.ServerSelectionError
	if errors.As(err, &selection) {
		for _, s := range selection.Desc.Servers {
			if s.Kind&description.ServerKindRSMember != 0 && s.Kind != description.ServerKindRSPrimary {
				return commitlog.ErrLeaderless
			}
		}
		return nil
	}
	var server mongo.ServerError
	if !errors.As(err, &server) {
		return nil
	}
	for why, codes := range map[error][]int{commitlog.ErrDenied: codesDenied, commitlog.ErrFull: codesFull, commitlog.ErrLeaderless: codesLeaderless} {
		if slices.ContainsFunc(codes, server.HasErrorCode) {
			return why
		}
	}
	return nil
}

// because adds the reason to err, if there is one.
func because(err error) error {
	if why := reason(err); why != nil && !errors.Is(err, why) {
		return fmt.Errorf("%w: %w", why, err)
	}
	return err
}

// refusal says that nothing was written since the server would not.
func refusal(err error) error {
	return fmt.Errorf("%w: %w: %w", commitlog.ErrUnreachable, commitlog.ErrRefused, because(err))
}

// unreachable says that nothing was written, and why.
func unreachable(err error) error {
	if err == nil || errors.Is(err, commitlog.ErrUnreachable) || errors.Is(err, commitlog.ErrMoved) {
		return err
	}
	return fmt.Errorf("%w: %w", commitlog.ErrUnreachable, because(err))
}
