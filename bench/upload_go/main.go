// The upload server's service in Go's standard library, and a client that measures both: "serve" and "load".
//
// The server does what the AWS SDK's uploader does: parts of 5 MiB, five in flight, six buffers; a single PutObject for a file of one
// part.  It signs by hand (SigV4), as libcurl does for the server in C, and by the body's SHA-256, as both that and the SDK do where there
// is no TLS; S3 checks it.  With -checksum=md5 it sends Content-MD5 instead, which costs S3 nothing, since it is the ETag.
package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"log"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"sort"
	"strings"
	"sync"
	"time"
)

const (
	partBytes   = 5 << 20
	concurrency = 5
)

var (
	endpoint = flag.String("s3-endpoint", "", "URL of the S3 service")
	bucket   = flag.String("s3-bucket", "bucket", "its bucket")
	checksum = flag.String("checksum", "sha256", "of what is sent to S3: sha256 or md5")
	client   = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}
	keyID    = os.Getenv("AWS_ACCESS_KEY_ID")
	secret   = os.Getenv("AWS_SECRET_ACCESS_KEY")
)

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
func sign(r *http.Request, payload string) {
	now := time.Now().UTC()
	stamp, day := now.Format("20060102T150405Z"), now.Format("20060102")
	r.Header.Set("X-Amz-Date", stamp)
	r.Header.Set("X-Amz-Content-Sha256", payload)
	values := map[string]string{"host": r.URL.Host}
	for name := range r.Header {
		values[strings.ToLower(name)] = r.Header.Get(name)
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	var headers strings.Builder
	for _, name := range names {
		fmt.Fprintf(&headers, "%s:%s\n", name, values[name])
	}
	signed := strings.Join(names, ";")
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, headers.String(), signed, payload}, "\n")
	sum := sha256.Sum256([]byte(canonical))
	scope := day + "/us-east-1/s3/aws4_request"
	key := mac(mac(mac(mac([]byte("AWS4"+secret), day), "us-east-1"), "s3"), "aws4_request")
	signature := mac(key, "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+hex.EncodeToString(sum[:]))
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s", keyID, scope, signed,
		hex.EncodeToString(signature)))
}

// ask sends a request and returns the answer's headers and body.
func ask(method, key, query string, body []byte, header map[string]string) (http.Header, []byte, error) {
	r, err := http.NewRequest(method, *endpoint+"/"+*bucket+"/"+key+"?"+query, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	payload := "UNSIGNED-PAYLOAD"
	if len(body) > 0 && *checksum == "md5" {
		sum := md5.Sum(body)
		r.Header.Set("Content-MD5", base64.StdEncoding.EncodeToString(sum[:]))
	} else if len(body) > 0 {
		sum := sha256.Sum256(body)
		payload = hex.EncodeToString(sum[:])
	}
	sign(r, payload)
	a, err := client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err == nil && a.StatusCode/100 != 2 {
		err = fmt.Errorf("S3 answers with status %d: %s", a.StatusCode, text)
	}
	return a.Header, text, err
}

type part struct {
	PartNumber int
	ETag       string
}

type upload struct {
	key, id string
	mutex   sync.Mutex
	parts   []part
	err     error
	queue   chan func()
	done    sync.WaitGroup
	buffers chan []byte
}

func (u *upload) begin(header map[string]string) error {
	_, text, err := ask("POST", u.key, "uploads=", nil, header)
	if err != nil {
		return err
	}
	var answer struct{ UploadId string }
	if err := xml.Unmarshal(text, &answer); err != nil {
		return err
	}
	u.id = answer.UploadId
	u.queue = make(chan func(), concurrency)
	for i := 0; i < concurrency; i++ {
		u.done.Add(1)
		go func() {
			defer u.done.Done()
			for send := range u.queue {
				send()
			}
		}()
	}
	return nil
}

func (u *upload) sendPart(number int, buffer []byte) {
	u.queue <- func() {
		header, _, err := ask("PUT", u.key, fmt.Sprintf("partNumber=%d&uploadId=%s", number, url.QueryEscape(u.id)), buffer, nil)
		u.mutex.Lock()
		if err != nil {
			u.err = err
		} else {
			u.parts = append(u.parts, part{number, header.Get("ETag")})
		}
		u.mutex.Unlock()
		u.buffers <- buffer[:cap(buffer)]
	}
}

func (u *upload) end() error {
	close(u.queue)
	u.done.Wait()
	if u.err != nil {
		ask("DELETE", u.key, "uploadId="+url.QueryEscape(u.id), nil, nil)
		return u.err
	}
	sort.Slice(u.parts, func(i, j int) bool { return u.parts[i].PartNumber < u.parts[j].PartNumber })
	body, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"CompleteMultipartUpload"`
		Part    []part
	}{Part: u.parts})
	if err == nil {
		_, _, err = ask("POST", u.key, "uploadId="+url.QueryEscape(u.id), body, nil)
	}
	return err
}

var pool = sync.Pool{New: func() any { return make([]byte, partBytes) }}

// store returns the size.
func store(key string, p *multipart.Part) (int64, error) {
	u := &upload{key: key, buffers: make(chan []byte, concurrency+1)}
	for i := 0; i <= concurrency; i++ {
		u.buffers <- nil
	}
	header := map[string]string{"Content-Type": p.Header.Get("Content-Type"), "X-Amz-Meta-Name": url.PathEscape(p.FileName())}
	var size int64
	for number := 1; ; number++ {
		buffer := <-u.buffers
		if buffer == nil {
			buffer = pool.Get().([]byte)
		}
		n, err := io.ReadFull(p, buffer)
		size += int64(n)
		isLast := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !isLast {
			return size, err
		}
		if isLast && number == 1 {
			_, _, err := ask("PUT", key, "", buffer[:n], header)
			pool.Put(buffer)
			return size, err
		}
		if number == 1 {
			if err := u.begin(header); err != nil {
				return size, err
			}
		}
		if n > 0 {
			u.sendPart(number, buffer[:n])
		} else {
			pool.Put(buffer)
		}
		if isLast {
			err := u.end()
			close(u.buffers)
			for buffer := range u.buffers {
				if buffer != nil {
					pool.Put(buffer)
				}
			}
			return size, err
		}
	}
}

func handle(w http.ResponseWriter, r *http.Request) {
	parts, err := r.MultipartReader()
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	for {
		p, err := parts.NextPart()
		if err != nil {
			http.Error(w, "no file", http.StatusUnprocessableEntity)
			return
		}
		if name := p.FormName(); name == "operations" || name == "map" {
			var any any
			if err := json.NewDecoder(p).Decode(&any); err != nil {
				http.Error(w, err.Error(), http.StatusUnprocessableEntity)
				return
			}
			continue
		}
		var id [13]byte
		rand.Read(id[:])
		size, err := store("go-"+hex.EncodeToString(id[:]), p)
		if err != nil {
			log.Print(err)
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, `{"data":{"uploadFile":{"id":"%x","size":%d}}}`, id, size)
		return
	}
}

func serve(address string) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(os.Stderr, "listening at http://%s\n", listener.Addr())
	http.HandleFunc("/graphql", handle)
	log.Fatal(http.Serve(listener, nil))
}

// body returns a request's body for a file of n bytes, and its Content-Type.
func body(n int) ([]byte, string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	w.WriteField("operations", `{"query":"mutation($f: Upload!) { uploadFile(file: $f) { id size } }","variables":{"f":null}}`)
	w.WriteField("map", `{"0":["variables.f"]}`)
	f, _ := w.CreateFormFile("0", "file.bin")
	content := make([]byte, n)
	rand.Read(content)
	f.Write(content)
	w.Close()
	return b.Bytes(), w.FormDataContentType()
}

// send uploads a body once and returns the time that it took, in seconds.
func send(target string, content []byte, mime string, size int) float64 {
	began := time.Now()
	a, err := client.Post(target+"/graphql", mime, bytes.NewReader(content))
	if err != nil {
		log.Fatal(target, ": ", err)
	}
	text, err := io.ReadAll(a.Body)
	a.Body.Close()
	if err != nil || !strings.Contains(string(text), fmt.Sprintf(`"size":%d`, size)) {
		log.Fatalf("%s: %v: %s", target, err, text)
	}
	return time.Since(began).Seconds()
}

// burst has so many clients send a file each, at once; it returns the time until all are served, and adds each one's to latency.
func burst(target string, clients int, content []byte, mime string, size int, latency []float64) (float64, []float64) {
	times := make([]float64, clients)
	var all sync.WaitGroup
	began := time.Now()
	for c := range times {
		all.Add(1)
		go func(c int) {
			defer all.Done()
			times[c] = send(target, content, mime, size)
		}(c)
	}
	all.Wait()
	return time.Since(began).Seconds(), append(latency, times...)
}

func quantile(values []float64, percent int) float64 {
	sorted := append([]float64(nil), values...)
	sort.Float64s(sorted)
	return sorted[(len(sorted)-1)*percent/100]
}

// load measures servers side by side: bursts of uploads, of one server after the other, so that whatever else the machine does meets all of
// them.  It prints a line for each: MB a second of the median burst, and the median and 99th percentile of the latency in ms.
func load(targets []string, clients, bursts, size int) {
	content, mime := body(size)
	seconds, latency := make([][]float64, len(targets)), make([][]float64, len(targets))
	for b := -1; b < bursts; b++ {
		for i := range targets {
			at := (i + b + 1) % len(targets)
			took, latencies := burst(targets[at], clients, content, mime, size, latency[at])
			if b >= 0 { // the one before made the connections
				seconds[at], latency[at] = append(seconds[at], took), latencies
			}
		}
	}
	for at := range targets {
		rate := float64(clients) * float64(size) / (1 << 20) / quantile(seconds[at], 50)
		fmt.Printf("%.1f %.1f %.1f\n", rate, quantile(latency[at], 50)*1000, quantile(latency[at], 99)*1000)
	}
}

func main() {
	address := flag.String("listen", "localhost:0", "HOST:PORT to serve at")
	targets := flag.String("load", "", "URLs of servers to measure, instead of serving")
	clients := flag.Int("clients", 1, "clients at once")
	bursts := flag.Int("bursts", 1, "files of each client and server")
	size := flag.Int("bytes", 1000, "size of a file")
	flag.Parse()
	if *targets != "" {
		load(strings.Split(*targets, ","), *clients, *bursts, *size)
	} else {
		serve(*address)
	}
}
