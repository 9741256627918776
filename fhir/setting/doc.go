// Package setting keeps what is configured in files of their own, such as keys and registrations, current while the
// server runs. It imports nothing of ours. Start reading at File.
package setting
