# Sends one stretch of a stored file, as Kinora's answer told it: "X-Kinora-Slice: 70012 1048576" is from byte 70012 on,
# 1048576 bytes. Run by nginx's Perl module for the internal location of kinora-slices.conf; the bytes themselves go by
# sendfile, like those of any file.
package KinoraSlice;
use strict;
use warnings;
use nginx;

sub handler {
    my $r = shift;
    my ($start, $length) = ($r->variable('upstream_http_x_kinora_slice') // '') =~ /^(\d{1,15}) (\d{1,15})$/
        or return HTTP_NOT_FOUND;
    my $file = $r->filename;
    my $there = -f $file ? -s _ : -1;
    # A file that is away or shorter than it was must not look like a whole answer.
    return HTTP_NOT_FOUND if $there < $start + $length;
    $r->status(206);
    $r->header_out('Content-Length', $length);
    $r->header_out('Content-Range', $r->variable('upstream_http_content_range'));
    $r->send_http_header($r->variable('upstream_http_content_type'));
    $r->sendfile($file, $start, $length);
    return OK;
}

1;
