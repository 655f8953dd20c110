module github.com/spoorhq/spoor/sdk/go

go 1.25.0
