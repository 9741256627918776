// Package operation has the operations that stand on several interactions: $everything for now.
//
// It may import interaction and what that stands on. Start reading at Service.Everything.
package operation
