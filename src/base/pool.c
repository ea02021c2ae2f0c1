#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct vn_pool_threads {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    unsigned job; /* counts jobs; workers wait for a new one */
    int busy; /* workers still inside the current job */
    int stop;
    int parts;
    atomic_int next; /* next part to take */
    void (*fn)(void *, int);
    void *ctx;
    int workers;
    pthread_t thread[];
};

size_t vn_pool_bytes(int threads)
{
    return sizeof(struct vn_pool_threads) + (size_t)(threads > 1 ? threads - 1 : 0) * sizeof(pthread_t);
}

static void take_parts(struct vn_pool_threads *p)
{
    for (int i; (i = atomic_fetch_add(&p->next, 1)) < p->parts;)
        p->fn(p->ctx, i);
}

static void *worker(void *arg)
{
    struct vn_pool_threads *p = arg;
    unsigned seen = 0;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->job == seen && !p->stop)
            pthread_cond_wait(&p->work, &p->lock);
        if (p->stop)
            break;
        seen = p->job;
        pthread_mutex_unlock(&p->lock);
        take_parts(p);
        pthread_mutex_lock(&p->lock);
        if (--p->busy == 0)
            pthread_cond_signal(&p->done);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct vn_pool_threads *vn_pool_start(void *mem, int threads)
{
    struct vn_pool_threads *p = mem;
    memset(p, 0, vn_pool_bytes(threads));
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->done, NULL);
    atomic_init(&p->next, 0);
    for (int i = 0; i < threads - 1; i++)
        if (pthread_create(&p->thread[p->workers], NULL, worker, p) == 0)
            p->workers++;
    return p;
}

void vn_pool_stop(struct vn_pool_threads *p)
{
    pthread_mutex_lock(&p->lock);
    p->stop = 1;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->workers; i++)
        pthread_join(p->thread[i], NULL);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->lock);
}

int vn_pool_size(const struct vn_pool_threads *p) { return p->workers + 1; }

void vn_pool_run(struct vn_pool_threads *p, int parts, void (*fn)(void *, int), void *ctx)
{
    if (!p->workers || parts < 2) {
        for (int i = 0; i < parts; i++)
            fn(ctx, i);
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->fn = fn;
    p->ctx = ctx;
    p->parts = parts;
    atomic_store(&p->next, 0);
    p->busy = p->workers;
    p->job++;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    take_parts(p);
    pthread_mutex_lock(&p->lock);
    while (p->busy)
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}
