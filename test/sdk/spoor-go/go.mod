module github.com/spoorhq/spoor/test/sdk/spoor-go

go 1.25.0

require github.com/spoorhq/spoor/sdk/go v0.1.0

replace github.com/spoorhq/spoor/sdk/go => ../../../sdk/go
