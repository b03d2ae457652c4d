// Command why is a web app that goes wrong in the way that MODE says.
package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

var held [][]byte

func main() {
	mode := os.Getenv("MODE")
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	fmt.Println("the database is not there")
	began := time.Now()
	listen := os.Getenv("HOST") + ":" + os.Getenv("PORT")
	switch mode {
	case "exit":
		os.Exit(3)
	case "done":
		return
	case "wait":
		time.Sleep(20 * time.Second)
		return
	case "memory":
		for {
			page := make([]byte, 8<<20)
			for i := range page {
				page[i] = 1
			}
			held = append(held, page)
			time.Sleep(50 * time.Millisecond)
		}
	case "deaf":
		time.Sleep(time.Hour)
	case "elsewhere":
		listen = "127.0.0.1:" + os.Getenv("ELSEWHERE")
	}
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		if mode == "errors" {
			http.Error(w, "worn out", http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, "release", os.Getenv("NUMBER"))
	})
	http.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		age := time.Since(began)
		switch {
		case mode == "failing",
			mode == "flapping" && int(age.Seconds()/3)%2 == 1,
			mode == "later" && age > 4*time.Second:
			http.Error(w, "no database", http.StatusInternalServerError)
		case mode == "slow":
			time.Sleep(10 * time.Second)
		}
	})
	fmt.Println(strings.TrimSpace(http.ListenAndServe(listen, nil).Error()))
}
