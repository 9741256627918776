// Package sealed is a file system that encrypts the files of a store: what it writes through to the disk holds nothing in
// clear but the files' names, sizes and times, none of which says anything about a person. Documents, index, log and
// write-ahead log are all files to it, so nothing above has to know, and no index needs to be blinded.
//
// Each file begins with a header of 128 bytes:
//
//	magic     8 bytes  "LTSEALED"
//	version   1 byte   1
//	length    1 byte   of what follows
//	data key           32 random bytes, sealed with AES-GCM by a key of the key file (tink, which puts the key's id first);
//	                   authenticated with it: magic, version, length
//	zeros              to the end
//
// The contents follow, XORed with the AES-256-CTR stream of the data key by position, so that any part can be read and
// files can be appended to. A data key belongs to one file, and each position of a file is written once:
//
//   - Create makes a new file with a new data key; a write that failed half way ends the file, as trying again could put
//     other contents at the same place;
//   - ReuseForWrite, by which Pebble recycles logs, removes the old file and creates one;
//   - nothing is written into an existing file: OpenReadWrite of one and WriteAt are not supported, and Pebble does
//     without.
//
// A file that was synced has its header. One that was not has promised nothing, and where a power cut left it without its
// header (cut short, or zeros) it reads as empty. A sync of the header alone in Create would make an import take half as
// long again, since Pebble creates files while writers wait.
//
// Only the header is authenticated. Pebble's checksums find damage, not a forger with write access to the disk: see
// docs/decisions/0025-whole-store-encrypted.md.
package sealed
