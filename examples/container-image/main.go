// A function that is a container image: one static program that speaks Lambda's Runtime API.
//
// It answers with a greeting and with what it finds around it: its arguments (ImageConfig's command),
// its folder, its user.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

type event struct {
	Name string `json:"name"`
}

type answer struct {
	Message   string   `json:"message"`
	Function  string   `json:"function"`
	Arguments []string `json:"arguments"`
	Directory string   `json:"directory"`
	User      int      `json:"user"`
}

func handle(given event) answer {
	if given.Name == "" {
		given.Name = "world"
	}
	directory, _ := os.Getwd()
	fmt.Println("greeting", given.Name)
	return answer{
		Message:   fmt.Sprintf("%s, %s!", os.Getenv("GREETING"), given.Name),
		Function:  os.Getenv("AWS_LAMBDA_FUNCTION_NAME") + ":" + os.Getenv("AWS_LAMBDA_FUNCTION_VERSION"),
		Arguments: os.Args[1:],
		Directory: directory,
		User:      os.Getuid(),
	}
}

// serve takes one event and answers it.
func serve(api string) error {
	next, err := http.Get(api + "next")
	if err != nil {
		return err
	}
	defer next.Body.Close()
	var given event
	if err := json.NewDecoder(next.Body).Decode(&given); err != nil {
		return err
	}
	body, err := json.Marshal(handle(given))
	if err != nil {
		return err
	}
	url := api + next.Header.Get("Lambda-Runtime-Aws-Request-Id") + "/response"
	sent, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	return sent.Body.Close()
}

func main() {
	api := fmt.Sprintf("http://%s/2018-06-01/runtime/invocation/", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	for {
		if err := serve(api); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
