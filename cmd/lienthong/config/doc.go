// Package config holds the settings of the server, each with its explanation: what `lienthong serve --help` prints.
//
// A setting comes from, in this order: the command line, the environment (LIENTHONG_ and the flag's name in capitals),
// the YAML file of --config, the default. Secrets come by file only, so that they show in no process list.
package config
