// Package setting keeps what is configured in files of their own, such as keys and registrations, current while the
// server runs, and reads those that are YAML. It imports nothing of ours. Start reading at File and ParseYAML.
package setting
