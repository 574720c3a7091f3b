module inglenook.dev/init

go 1.24
