//! How long connections live: those that are idle, those over the cap, and those that are open when the service stops.

use super::*;

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let server = server(Limits { keep_alive_timeout: Duration::from_millis(200), ..limits() }).await;
    let elapsed = until_cut(&server, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"").await;
    assert!(about_200_ms(elapsed), "{elapsed:?}");
    let answer = server.exchange(b"GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.ends_with("slow"), "{answer}");
    let mut stream = server.connect().await;
    for _ in 0..10 {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut buffer = [0; 512];
        assert!(stream.read(&mut buffer).await.unwrap() > 0);
        sleep(Duration::from_millis(40)).await;
    }
}

#[tokio::test]
async fn connections_over_the_cap_wait_their_turn() {
    let server = server(Limits { max_connections: 2, ..limits() }).await;
    let (first, _second) = (server.connect().await, server.connect().await);
    sleep(Duration::from_millis(50)).await;
    let mut third = server.connect().await;
    third.write_all(b"GET /third HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    assert!(timeout(Duration::from_millis(150), third.read_to_string(&mut answer)).await.is_err());
    drop(first);
    timeout(Duration::from_secs(2), third.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.ends_with("/third"), "{answer}");
}

#[tokio::test]
async fn rel_term_1_a_stop_drains_running_requests() {
    let mut server = server(limits()).await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut buffer = [0; 512];
    assert!(idle.read(&mut buffer).await.unwrap() > 0);
    let mut running = server.connect().await;
    running.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    sleep(Duration::from_millis(50)).await;
    drop(server.stop.take());
    sleep(Duration::from_millis(50)).await;
    // A request that crosses the stop on an open connection is still answered, and told to be the last.
    idle.write_all(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    idle.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("connection: close") && answer.ends_with("/late"), "{answer}");
    let mut answer = String::new();
    running.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("connection: close") && answer.ends_with("slow"), "{answer}");
    assert_eq!(server.stop().await, Stopped { cut: 0 });
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rel_term_1_a_stop_under_load_cuts_no_request() {
    let mut server = server(limits()).await;
    let mut clients = Vec::new();
    for _ in 0..32 {
        let mut stream = server.connect().await;
        clients.push(tokio::spawn(async move {
            let mut answered = 0;
            let mut buffer = [0; 1024];
            loop {
                stream.write_all(b"GET /peer HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
                let length = stream.read(&mut buffer).await.unwrap();
                let answer = String::from_utf8_lossy(&buffer[..length]);
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?} after {answered}");
                answered += 1;
                if answer.contains("connection: close") {
                    return answered;
                }
            }
        }));
    }
    sleep(Duration::from_millis(200)).await;
    assert_eq!(server.stop().await, Stopped { cut: 0 });
    for client in clients {
        assert!(client.await.unwrap() > 1);
    }
}

#[tokio::test]
async fn rel_term_1_a_stop_is_bounded() {
    let mut server = server(Limits { shutdown_grace: Duration::from_millis(200), ..limits() }).await;
    let mut stalled = server.connect().await;
    stalled.write_all(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    sleep(Duration::from_millis(50)).await;
    let watch = Stopwatch::start();
    assert_eq!(server.stop().await, Stopped { cut: 1 });
    assert!(watch.elapsed() < Duration::from_secs(3), "{:?}", watch.elapsed());
}
