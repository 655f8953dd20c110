// Package spoor is the root of the module and holds no code: the folders beside it are the rooms of the line, and
// cmd/spoor is where they are put together. The test in this folder keeps the rooms apart.
package spoor
