package backup

import "io"

// CopyPart writes the bytes of the part with a name to w, and reads the archive to its end to be sure of them.
// It gives false when there is no such part.
func CopyPart(in io.Reader, part string, w io.Writer) (found bool, err error) {
	_, err = Read(in, func(name string, content io.Reader) error {
		if name != part {
			return nil
		}
		found = true
		_, err := io.Copy(w, content)
		return err
	})
	return found, err
}
